package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace/bench/proc"
)

// resultLine begins the line on which a measured program says what it did.
const resultLine = "RESULT "

// child runs a program to its end and returns what it cost and, into result, what it said on its RESULT line.
func child(ctx context.Context, dir string, result any, name string, args ...string) (Sample, error) {
	var out bytes.Buffer
	s, err := execute(ctx, dir, &out, name, args...)
	if err != nil {
		return s, err
	}
	if err := said(out.Bytes(), result); err != nil {
		return s, fmt.Errorf("%s: %w", shown(name, args), err)
	}
	return s, nil
}

// tell writes the RESULT line that said reads.
func tell(out io.Writer, result any) error {
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", resultLine, text)
	return err
}

// said reads the RESULT line of a program's output, the last if there are several.
func said(out []byte, result any) error {
	var text []byte
	for line := range bytes.Lines(out) {
		if t, ok := bytes.CutPrefix(line, []byte(resultLine)); ok {
			text = t
		}
	}
	if text == nil {
		return fmt.Errorf("no line begins with %q", resultLine)
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("its result: %w", err)
	}
	return nil
}

// execute runs a program to its end, with its output to out, and returns what it cost.
func execute(ctx context.Context, dir string, out io.Writer, name string, args ...string) (Sample, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout = dir, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var last tail
	cmd.Stderr = &last
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Sample{}, err
	}
	peak := watch(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		peak()
		return Sample{}, fmt.Errorf("%s: %w\n%s", shown(name, args), err, last.text)
	}
	return Sample{Wall: time.Since(began).Seconds(), CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), Peak: peak()}, nil
}

// watch looks at a process's peak of memory every 50 ms, and returns what ends that and tells it. What the system says at the process's end has the memory of this one in
// it, from which it was forked.
func watch(pid int) (peak func() int64) {
	stop, told := make(chan struct{}), make(chan int64, 1)
	go func() {
		most := int64(0)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if n, err := proc.Peak(pid); err == nil { // it may have ended
					most = max(most, n)
				}
			case <-stop:
				told <- most
				return
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-told
	}
}

// shown is a command for an error.
func shown(name string, args []string) string {
	what := name + " " + strings.Join(args, " ")
	if len(what) > 200 {
		what = what[:200] + "..."
	}
	return what
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4000
	t.text = append(t.text, p...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(p), nil
}
