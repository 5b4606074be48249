package simulation

import (
	"fmt"
	"hash/fnv"
	"io"
	"time"
)

// trace is what happened, in order: a hash of all of it, and the last of it to read.
type trace struct {
	begun time.Time
	hash  interface {
		io.Writer
		Sum64() uint64
	}
	steps int
	lines []string // a ring
	next  int
	fates []string // what befell the job, in order
}

// kept is how many lines a failure shows, of the end of the trace, and mostFates of what befell the job.
const (
	kept      = 60
	mostFates = 40
)

func newTrace() *trace { return &trace{begun: time.Now(), hash: fnv.New64a()} }

// step says whose turn it was.
func (t *trace) step(who, at string) {
	t.steps++
	t.add(who + ": " + at)
}

// note says what came of it.
func (t *trace) note(format string, args ...any) { t.add("    " + fmt.Sprintf(format, args...)) }

// fate is a note that is kept however long the course is: of faults, and of what processes there are.
func (t *trace) fate(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	t.add("    " + line)
	if len(t.fates) < mostFates {
		t.fates = append(t.fates, fmt.Sprintf("%6d %12s  %s", t.steps, time.Since(t.begun), line))
	}
}

func (t *trace) add(line string) {
	line = fmt.Sprintf("%6d %12s  %s", t.steps, time.Since(t.begun), line)
	_, _ = io.WriteString(t.hash, line) // a hash takes all
	if len(t.lines) < kept {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % kept
}

// end is the last lines.
func (t *trace) end() []string {
	return append(append([]string(nil), t.lines[t.next:]...), t.lines[:t.next]...)
}
