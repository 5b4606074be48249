package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// patience bounds a run; a healthy one takes milliseconds.
const patience = time.Minute

// outcome is what the runs of a job came to.
type outcome struct {
	*outboxes
	runs      int
	disturbed bool  // some run ended by a failure or a power loss
	reads     int64 // keys read back from the state
	losses    int   // of power
	ops       int64 // file operations of the last run but one
}

// run starts the plan's job until it is finished.
func (p plan) run(splits [][]event) (out outcome, err error) {
	out.outboxes = p.outboxes()
	dir := "state"
	if !p.Pebble {
		if dir, err = os.MkdirTemp("", "millrace"); err != nil {
			return out, err
		}
		defer os.RemoveAll(dir)
	}
	mem := vfs.NewCrashableMem()
	for ; ; out.runs++ {
		s := p.setting(out.runs)
		finished, left, err := p.once(s, out.runs, splits, &out, dir, mem)
		if err != nil {
			return out, fmt.Errorf("run %d with %+v: %w", out.runs, s, err)
		}
		if mem = left; finished {
			break
		}
	}
	// A finished job that is started again does nothing.
	before := len(out.results.shown()) + len(out.late.shown())
	s := p.setting(mostRuns)
	if finished, _, err := p.once(s, mostRuns, splits, &out, dir, mem); err != nil || !finished {
		return out, fmt.Errorf("started again after the end: finished %v: %w", finished, err)
	}
	if after := len(out.results.shown()) + len(out.late.shown()); after != before {
		return out, fmt.Errorf("started again after the end the job wrote %d rows", after-before)
	}
	return out, nil
}

// once is one run: whether it finished the job, and the disk for the next.
func (p plan) once(s setting, run int, splits [][]event, out *outcome, dir string, mem *vfs.MemFS) (finished bool, left *vfs.MemFS, err error) {
	d := newDisk(mem, -1, s.Survives, p.Seed+uint64(run))
	backend := memory.Backend()
	if p.Pebble {
		backend = pebble.Backend(pebble.FS(d.fs), pebble.Logger(quiet))
	}
	if p.Flaw.damages() {
		backend = flawed{backend, p.Flaw}
	}
	opts := []stream.JobOption{stream.StateDir(dir), stream.Backend(backend)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	src := &feed{splits: splits, codec: eventCodec(p.Padding), seed: p.Seed + uint64(run), chunk: s.Chunk, slow: s.Slow, uneven: s.Uneven, live: s.Live}
	var sinks func() error
	switch s.Ending {
	case stopped:
		src.gate = countdown(s.After, func() error { cancel(); return nil })
	case sourceFails:
		src.gate = countdown(s.After, failing(s.Again))
	case sinkFails:
		after := countdown(s.After, failing(s.Again))
		sinks = func() error { return after(1) }
	case grows:
		src.splits = begun(splits, s.After)
		opts = append(opts, stream.NoDrain())
	case diskRefuses:
		d.refusal = func(op int64) error {
			if op == int64(s.After) || op > int64(s.After) && !s.Once {
				return s.Refusal
			}
			return nil
		}
	case powerLoss:
		d.at = int64(s.After)
		src.gate = func(int) error { return d.dead() }
		sinks = d.dead
	}
	out.failWhen(sinks)
	if s.Again {
		opts = append(opts, stream.Restart(stream.FixedDelay(1, time.Millisecond)))
	}
	job := p.job(s, src, out.outboxes, opts...)
	err = within(patience, func() error { return job.Run(ctx) })
	if s.Ending == through && run < mostRuns {
		out.ops = d.ops.Load()
	}
	out.reads += job.StateStats().Reads
	if d.lost.Load() != nil {
		out.losses++
		out.disturbed = true
		if err != nil && !errors.Is(err, errBroken) {
			return false, nil, err
		}
		return false, d.left(), nil
	}
	out.disturbed = out.disturbed || err != nil || job.Count("restarts") > 0
	if err != nil {
		if !errors.Is(err, errBroken) && (s.Refusal == nil || !strings.Contains(err.Error(), s.Refusal.Error())) {
			return false, nil, err
		}
		return false, mem, nil
	}
	if s.Ending == grows {
		return false, mem, nil
	}
	if s.Ending == diskRefuses && !s.Once && d.ops.Load() > int64(s.After) {
		return false, nil, fmt.Errorf("the disk refused all from operation %d of %d on, and the job ended without an error", s.After, d.ops.Load())
	}
	for _, split := range job.Status().Splits {
		if !split.Finished {
			return false, mem, nil
		}
	}
	return true, mem, nil
}

// begun is the first so many percent of each split.
func begun(splits [][]event, percent int) [][]event {
	out := make([][]event, len(splits))
	for i, events := range splits {
		out[i] = events[:len(events)*percent/100]
	}
	return out
}

// failing fails always, or once.
func failing(once bool) func() error {
	var failed atomic.Bool
	return func() error {
		if failed.Swap(true) && once {
			return nil
		}
		return errBroken
	}
}

var errHangs = errors.New("does not end")

func within(d time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		return fmt.Errorf("%w within %s\n%s", errHangs, d, &stacks)
	}
}
