//go:build integration

package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is one run of the job as a process of its own.
type process struct {
	spec jobSpec
	cmd  *exec.Cmd
	log  string        // where its messages go
	gone chan struct{} // closed when it has ended and was waited for

	mu    sync.Mutex
	last  progress
	moved chan struct{} // closed and replaced with each progress
}

// startProcess starts a process that appends its messages to the file s.Dir.log, which is on another disk than s.Dir where that may be full.
func startProcess(s jobSpec) (*process, error) {
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	p := &process{spec: s, cmd: exec.Command(os.Args[0]), log: s.Dir + ".log", gone: make(chan struct{}), moved: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Env, p.cmd.Stderr = append(os.Environ(), asJob+"="+string(spec)), log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.gone)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var now progress
			if json.Unmarshal(lines.Bytes(), &now) == nil { // the last line may be cut off by the kill
				p.mu.Lock()
				p.last = now
				close(p.moved)
				p.moved = make(chan struct{})
				p.mu.Unlock()
			}
		}
		_ = p.cmd.Wait() // how it ended is in cmd.ProcessState
	}()
	return p, nil
}

func (p *process) now() (progress, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.moved
}

// reach waits until the job is at a place, the process has ended, or ctx is done.
func (p *process) reach(ctx context.Context, place int64) {
	for {
		now, moved := p.now()
		if now.At >= place {
			return
		}
		select {
		case <-moved:
		case <-p.gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// kill ends the process as kill -9 does, and reports whether it still ran.
func (p *process) kill() (ran bool) {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.gone
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// pause stops the process for a while, as a machine does that has no time for it.
func (p *process) pause(d time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP) // it may have ended
	time.Sleep(d)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}

// wait waits for the end of a process that should end by itself.
func (p *process) wait(limit time.Duration) error {
	select {
	case <-p.gone:
	case <-time.After(limit):
		p.kill()
		return fmt.Errorf("the process did not end within %v and was killed", limit)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("the process ended by itself: %s: %s", p.cmd.ProcessState, p.said())
	}
	return nil
}

// said is the end of the process's messages.
func (p *process) said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-1500):])
}
