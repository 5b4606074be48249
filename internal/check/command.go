package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// checker is one run of the command.
type checker struct {
	strict  bool // nothing is left out
	leftOut []string
}

// leave notes what a machine cannot run; where nothing may be left out, or the user interrupted, it returns the reason as an error.
func (c *checker) leave(ctx context.Context, what string, reason error) error {
	if c.strict || ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, reason)
	}
	fmt.Printf("left out: %s (%v)\n", what, reason)
	c.leftOut = append(c.leftOut, what)
	return nil
}

// grace is how long an interrupted command may take to end before it is killed.
const grace = 30 * time.Second

func prepare(ctx context.Context, name string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	cmd.Stderr = os.Stderr
	return cmd
}

// command shows a command and runs it.
func command(ctx context.Context, name string, args ...string) error {
	line := name + " " + strings.Join(args, " ")
	if len(line) > 160 {
		line = line[:157] + "..."
	}
	fmt.Println("+", line)
	cmd := prepare(ctx, name, args)
	cmd.Stdout = os.Stdout
	return cmd.Run()
}

// quiet runs a command for its exit code.
func quiet(ctx context.Context, name string, args ...string) error {
	_, err := output(ctx, name, args...)
	return err
}

// output runs a command and returns what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := prepare(ctx, name, args).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(out), nil
}

// exitCode is the code of the command that failed, or 1.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode()
	}
	return 1
}
