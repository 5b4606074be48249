package servers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a server process in a process group of its own. It is used by one goroutine at a time.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has been waited for
}

// startProcess starts cmd and owns the goroutine that waits for it.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the exit state is in cmd.ProcessState
		close(p.exited)
	}()
	return p, nil
}

// stop asks the process to end, and kills its group if it has not done so within grace.
func (p *process) stop(grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(grace):
		return p.kill()
	}
}

// kill ends the process group at once.
func (p *process) kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.exited
	return err
}

func (p *process) signal(s syscall.Signal) error {
	err := syscall.Kill(-p.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("signal %s to process %d: %w", s, p.cmd.Process.Pid, err)
	}
	return nil
}

// freePorts finds n distinct free loopback ports.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free loopback port: %w", err)
		}
		defer l.Close() // after the loop, so that ports differ
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// tail is the end of a log file, for error messages; empty when it cannot be read.
func tail(path string, n int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-n):])
}
