package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/stream"
)

// Bounds of a course; what passes them does not end.
const (
	mostSteps = 500_000
	mostIdle  = 24 * time.Hour // of simulated time, with nobody to go on
)

// Outcome is what came of a course.
type Outcome struct {
	// Err is why the job did not come to its end: an error that nobody injected, or that it does not end.
	Err       error
	Hash      uint64 // of all that happened
	Steps     int
	Processes int
	Faults    map[Kind]int64
	Drawn     int // faults that were drawn, left out or not
	Results   map[string][]string
	Befell    []string // what befell the job, in order
	Last      []string // the end of the trace
	Seeded    bool     // the job was made by the seed
	Style     string
}

// Run makes a course of events of a plan. build makes the job of a process, with the world's Options; it is called once for each.
func Run(t *testing.T, p Plan, build func(*World) *stream.Job) (out Outcome) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(p)
		out.Err = w.live(build)
		out.Hash, out.Steps, out.Befell, out.Last, out.Style = w.trace.hash.Sum64(), w.trace.steps, w.trace.fates, w.trace.end(), w.style.name
		out.Processes, out.Faults, out.Drawn, out.Seeded = w.number, w.faults.count, w.faults.number, w.asked
		out.Results = map[string][]string{}
		for _, name := range w.names {
			if c := w.lasts[name].contents(); c != nil {
				out.Results[name] = c
			}
		}
	})
	return out
}

// live runs processes until the job is finished.
func (w *World) live(build func(*World) *stream.Job) error {
	for {
		w.number++
		w.process = &process{}
		w.trace.fate("process %d", w.number)
		job := build(w)
		err := w.run(job)
		switch {
		case w.process.dead.Load():
		case errors.Is(err, errEndless):
			return err
		case err != nil && !errors.Is(err, ErrInjected):
			return err
		case err != nil:
			w.trace.fate("the job failed: %v", err)
		case finished(job):
			return nil
		}
	}
}

func finished(job *stream.Job) bool {
	splits := job.Status().Splits
	return len(splits) > 0 && !slices.ContainsFunc(splits, func(s stream.SplitStatus) bool { return !s.Finished })
}

var errEndless = errors.New("the job does not come to an end")

// run is one process.
func (w *World) run(job *stream.Job) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.turns.Wait("job", "begins")
		err = job.Run(ctx)
	}()
	for first := w.trace.steps; ; {
		if w.still(ended) {
			return err
		}
		if w.trace.steps-first > mostSteps {
			return w.giveUp(cancel, ended, fmt.Errorf("%w within %d steps", errEndless, mostSteps))
		}
		switch {
		case w.process.dead.Load():
		case w.faults.happens(Crash):
			w.trace.fate("the process crashes")
			w.kill(cancel)
			continue
		case w.faults.happens(Stop):
			w.trace.fate("the job is to stop")
			cancel()
			continue
		}
		if !w.goOn(ended) {
			return w.giveUp(cancel, ended, fmt.Errorf("%w: nothing has happened for %s", errEndless, mostIdle))
		}
	}
}

// still waits until nobody runs, and reports whether the process has ended.
func (w *World) still(ended <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

// goOn lets somebody go on, or time pass. It reports false where nobody ever will.
func (w *World) goOn(ended <-chan struct{}) bool {
	from := w.turns.waiting()
	if len(from) == 0 {
		return w.turns.idle(ended, mostIdle)
	}
	if !w.plan.Calm && !w.process.dead.Load() && w.chance.IntN(8) == 0 { // somebody is slow
		time.Sleep(time.Duration(1+w.chance.IntN(1<<w.chance.IntN(14))) * time.Microsecond)
		if w.still(ended) {
			return true
		}
		from = w.turns.waiting()
	}
	h := w.style.choose(from, w.process.dead.Load())
	w.trace.step(h.who, h.at)
	w.turns.release(h)
	return true
}

// kill makes the process dead and its goroutines end.
func (w *World) kill(cancel context.CancelFunc) {
	w.process.dead.Store(true)
	w.medium.crash()
	if w.process.run != nil {
		w.process.run.Fail(errDead)
	}
	cancel()
}

// giveUp ends a process that does not end by itself.
func (w *World) giveUp(cancel context.CancelFunc, ended <-chan struct{}, err error) error {
	w.trace.fate("%v", err)
	w.kill(cancel)
	for range mostSteps {
		if w.still(ended) {
			w.process.dead.Store(false)
			return err
		}
		if !w.goOn(ended) {
			break
		}
	}
	panic(fmt.Sprintf("simulation: seed %d: %v, and cannot be ended", w.plan.Seed, err))
}
