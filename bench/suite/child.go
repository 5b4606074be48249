package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// resultLine begins the line on which a measured program says what it did.
const resultLine = "RESULT "

// child runs a program to its end and returns what it cost and, into result, what it said on its RESULT line.
func child(ctx context.Context, dir string, result any, name string, args ...string) (Sample, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var last tail
	cmd.Stderr = &last
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Sample{}, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Sample{}, err
	}
	found, said := false, error(nil)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), resultLine); ok {
			found, said = true, json.Unmarshal([]byte(text), result)
		}
	}
	if lines.Err() != nil { // so that the program does not wait for a reader
		_, _ = io.Copy(io.Discard, out)
	}
	err = cmd.Wait()
	wall := time.Since(began).Seconds()
	what := name + " " + strings.Join(args, " ")
	if len(what) > 200 {
		what = what[:200] + "..."
	}
	if err != nil {
		return Sample{}, fmt.Errorf("%s: %w\n%s", what, err, last.text)
	}
	if said != nil {
		return Sample{}, fmt.Errorf("%s: its result: %w", what, said)
	}
	if !found {
		return Sample{}, fmt.Errorf("%s: no line begins with %q\n%s", what, resultLine, last.text)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return Sample{Wall: wall, CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), Peak: usage.Maxrss << 10}, nil
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
