package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	postgresStartTimeout = 60 * time.Second
	postgresStopTimeout  = 20 * time.Second
	postgresStartTries   = 3 // another process may take the free port first
)

// Postgres is a real PostgreSQL server on a loopback port, with fsync on and no passwords.
// Its methods are called from one goroutine at a time, DSN from any.
type Postgres struct {
	bin    string
	data   string
	log    string
	port   int
	owner  *owner
	server *exec.Cmd
	exited chan error // receives the server's end once; nil while no server runs
}

// StartPostgres makes a database cluster in dir and starts a server on it, which answers when StartPostgres returns.
//
// The programs are taken from /usr/lib/postgresql (the newest version) or PATH; root on a Debian system has them installed when they are missing.
// PostgreSQL refuses to run as root, so for root it runs as the user postgres: dir is given to that user, and the directories above it that belong to root and
// lie in the temporary directory are made passable. The server ends with Stop, not with ctx, which bounds the start only.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bin, err := postgresBinaries(ctx)
	if err != nil {
		return nil, err
	}
	owner, err := unprivilegedOwner("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := owner.take(dir); err != nil {
		return nil, fmt.Errorf("directory for PostgreSQL: %w", err)
	}
	p := &Postgres{bin: bin, data: filepath.Join(dir, "pgdata"), log: filepath.Join(dir, "postgres.log"), owner: owner}
	initdb := p.command(ctx, "initdb", "-D", p.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb in %s: %w\n%s", p.data, err, out)
	}
	for try := 1; ; try++ {
		if p.port, err = freeLoopbackPort(); err != nil {
			return nil, err
		}
		if err = p.start(ctx); err == nil {
			return p, nil
		}
		if try == postgresStartTries || ctx.Err() != nil {
			return nil, err
		}
	}
}

// DSN is the connection string of the server's database; it stays the same across Restart.
func (p *Postgres) DSN() string {
	return "postgres://postgres@127.0.0.1:" + strconv.Itoa(p.port) + "/postgres?sslmode=disable"
}

// Stop shuts the server down as an administrator would ("fast": sessions are ended, data is flushed) and waits for it. Stopping twice does nothing.
func (p *Postgres) Stop() error { return p.stop(os.Interrupt) }

// Crash ends the server at once, as a crash of all its processes would; Restart brings it back, and it recovers from its log.
func (p *Postgres) Crash() error { return p.stop(syscall.SIGQUIT) }

// Port is the loopback port of the server; it stays the same across Restart.
func (p *Postgres) Port() int { return p.port }

// Restart stops the server, if it runs, and starts it again on the same data and port.
func (p *Postgres) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.start(ctx)
}

func (p *Postgres) start(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("log of PostgreSQL: %w", err)
	}
	defer log.Close()
	server := p.command(context.Background(), "postgres", "-D", p.data, "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-k", "", "-c", "fsync=on", "-c", "log_min_messages=warning")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	p.server, p.exited = server, make(chan error, 1)
	go func(exited chan<- error) { exited <- server.Wait() }(p.exited)

	ctx, cancel := context.WithTimeout(ctx, postgresStartTimeout)
	defer cancel()
	for {
		err := p.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case end := <-p.exited:
			p.exited = nil
			return fmt.Errorf("PostgreSQL on port %d ended while starting: %w\n%s", p.port, end, tailOfLog(p.log))
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("PostgreSQL on port %d does not answer: %w\n%s", p.port, err, tailOfLog(p.log)), p.Stop())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *Postgres) stop(signal os.Signal) error {
	if p.exited == nil {
		return nil
	}
	// The server may have ended by itself; its channel tells.
	_ = p.server.Process.Signal(signal)
	var err error
	select {
	case <-p.exited: //nolint:errcheck // it was asked to end
	case <-time.After(postgresStopTimeout):
		err = fmt.Errorf("PostgreSQL (pid %d) did not stop within %v and was killed\n%s", p.server.Process.Pid, postgresStopTimeout, tailOfLog(p.log))
		_ = p.server.Process.Kill()
		<-p.exited //nolint:errcheck // it was killed on purpose
	}
	p.exited = nil
	return err
}

// ping succeeds when the server answers, and is this one: another may have taken the port.
func (p *Postgres) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, p.DSN())
	if err != nil {
		return err
	}
	answer := conn.ExecParams(ctx, "SHOW data_directory", nil, nil, nil, nil).Read()
	if err := errors.Join(answer.Err, conn.Close(ctx)); err != nil {
		return err
	}
	if served := string(answer.Rows[0][0]); served != p.data {
		return fmt.Errorf("the server on port %d serves %s, not %s", p.port, served, p.data)
	}
	return nil
}

func (p *Postgres) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.Dir = filepath.Dir(p.data)
	p.owner.run(cmd)
	return cmd
}

// postgresBinaries finds the folder with initdb and postgres, installing the Debian package when there is none and that is possible.
func postgresBinaries(ctx context.Context) (string, error) {
	bin, err := findPostgres()
	if !errors.Is(err, fs.ErrNotExist) {
		return bin, err
	}
	if err := aptInstall(ctx, "postgresql"); err != nil {
		return "", fmt.Errorf("PostgreSQL: %w", err)
	}
	return findPostgres()
}

func findPostgres() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	newest, version := "", -1.0
	for _, path := range found {
		bin := filepath.Dir(path)
		if v, err := strconv.ParseFloat(filepath.Base(filepath.Dir(bin)), 64); err == nil && v > version {
			newest, version = bin, v
		}
	}
	if newest != "" {
		return newest, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", fmt.Errorf("PostgreSQL is not in /usr/lib/postgresql/*/bin nor in PATH: %w", fs.ErrNotExist)
}
