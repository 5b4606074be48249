// Command testservers runs another command with real servers beside it: Apache Kafka and PostgreSQL on free loopback ports, in temporary directories.
//
//	go run ./internal/testservers [--only kafka|postgres|none] -- COMMAND ARGS...
//
// The command finds them in its environment:
//
//	MILLRACE_TEST_KAFKA           bootstrap address without encryption
//	MILLRACE_TEST_KAFKA_SASL      bootstrap address of the SASL_SSL listener
//	MILLRACE_TEST_KAFKA_CA        path of the certificate that signed that listener's (PEM)
//	MILLRACE_TEST_KAFKA_USER      a SCRAM-SHA-512 user of that listener
//	MILLRACE_TEST_KAFKA_PASSWORD  and its password
//	MILLRACE_TEST_POSTGRES        connection string of a database
//	MILLRACE_TEST_SERVERS         address of this program, which starts further servers when a test asks for them; see package ondemand
//
// The servers are stopped when the command has ended, also by SIGINT or SIGTERM, and the exit code is the command's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/internal/testservers/servers"
)

// commandGrace is how long an interrupted command may take to end before it is killed.
const commandGrace = 20 * time.Second

func main() {
	only := flag.String("only", "", "start one of the two only: kafka or postgres; none starts neither")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: testservers [--only kafka|postgres|none] -- COMMAND ARGS...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 || !slices.Contains([]string{"", "kafka", "postgres", "none"}, *only) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, *only, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testservers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run starts the servers, runs the command, stops the servers, and returns the command's exit code.
func run(ctx context.Context, only string, command []string) (code int, err error) {
	dir, err := os.MkdirTemp("", "millrace-servers-")
	if err != nil {
		return 1, fmt.Errorf("directory for the servers' data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	env := os.Environ()
	if only == "" || only == "kafka" {
		data := filepath.Join(dir, "kafka")
		if err := os.Mkdir(data, 0o755); err != nil {
			return 1, fmt.Errorf("directory for Kafka: %w", err)
		}
		k, err := servers.StartKafka(ctx, data)
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, k.Stop()) }()
		env = append(env, "MILLRACE_TEST_KAFKA="+k.Plaintext, "MILLRACE_TEST_KAFKA_SASL="+k.SASL, "MILLRACE_TEST_KAFKA_CA="+k.CA,
			"MILLRACE_TEST_KAFKA_USER="+k.User, "MILLRACE_TEST_KAFKA_PASSWORD="+k.Password)
	}
	if only == "" || only == "postgres" {
		data := filepath.Join(dir, "postgres")
		if err := os.Mkdir(data, 0o755); err != nil {
			return 1, fmt.Errorf("directory for PostgreSQL: %w", err)
		}
		p, err := servers.StartPostgres(ctx, data)
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, p.Stop()) }()
		env = append(env, "MILLRACE_TEST_POSTGRES="+p.DSN())
	}
	c := &catalog{ctx: ctx, dir: dir, started: map[string]*starting{}}
	addr, stop, err := c.serve()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return execute(ctx, command, append(env, ondemand.Env+"="+addr))
}

// execute runs command in a process group of its own and passes an interrupt on to all of it.
func execute(ctx context.Context, command, env []string) (int, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdin, os.Stdout, os.Stderr, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = commandGrace
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the command left behind; none is the usual case
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode(), nil
	default:
		return 1, fmt.Errorf("%s: %w", command[0], err)
	}
}
