package metamorphic

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/simulation"
	"github.com/millrace/millrace/stream"
)

// mostSimulated bounds the events of a simulated job: where courses differ is in the order of steps, which few events show as well as many.
const mostSimulated = 250

// simulated is a plan whose job goes a course of events under a seed, in place of runs that come to given ends.
func simulated(seed uint64) plan {
	p := newPlan(seed)
	if p.Events > mostSimulated {
		p.Users = max(1, p.Users*mostSimulated/p.Events)
		p.Events = mostSimulated
	}
	p.Crowded = false
	if !p.settles() {
		p.Committing = true // what comes of an upsert table would not follow from the log
	}
	return p
}

// course simulates the plan's job and compares what it came to with the oracle.
func (p plan) course(t *testing.T, faults int, only []int) (simulation.Outcome, error) {
	log := p.log()
	splits := p.splits(log)
	boxes := p.outboxes()
	out := simulation.Run(t, simulation.Plan{Seed: p.Seed, Faults: faults, Only: only}, func(w *simulation.World) *stream.Job {
		s := p.setting(w.Process())
		src := &feed{splits: splits, codec: eventCodec(p.Padding), seed: p.Seed + uint64(w.Process()), chunk: s.Chunk, gate: func(int) error { return w.Fetches("feed") }}
		boxes.failWhen(func() error { return w.Writes("outbox") })
		opts := w.Options()
		if p.Flaw.damages() {
			opts = append(opts, stream.Backend(flawed{w.Backend(), p.Flaw}))
		}
		return p.job(s, src, boxes, opts...)
	})
	if out.Err != nil {
		return out, out.Err
	}
	return out, p.check(log, splits, outcome{outboxes: boxes, disturbed: len(out.Faults) > 0})
}

// Random jobs on random logs come to what the log says in every course of events: one seed is the job, its log and the course.
func TestSimulatedJobs(t *testing.T) {
	if seed := env(t, "MILLRACE_SEED"); seed > 0 {
		simulateOne(t, uint64(seed))
		return
	}
	f := nightly.Figures{Part: "simulated random jobs, against the oracle", Faults: map[string]int64{}}
	for seed := range uint64(nightly.Pick(60/slowdown, 2500)) {
		p, out := simulateOne(t, seed+1)
		if t.Failed() {
			return
		}
		f.Seeds++
		f.Events += int64(p.Events)
		f.CrashPoints += out.Faults[simulation.Crash]
		for k, n := range out.Faults {
			f.Faults[string(k)] += n
		}
	}
	if f.CrashPoints == 0 {
		t.Error("no process crashed: the test has lost its point")
	}
	t.Logf("%d courses, %v", f.Seeds, f.Faults)
	nightly.Record(t, f)
}

func simulateOne(t *testing.T, seed uint64) (plan, simulation.Outcome) {
	t.Helper()
	const faults = 8
	p := simulated(seed)
	out, err := p.course(t, faults, nil)
	if err == nil {
		return p, out
	}
	t.Errorf("%v: %v\nrun it again with MILLRACE_SEED=%d go test -run TestSimulatedJobs ./internal/metamorphic", p, err, seed)
	small, only, last, smallErr := shrinkCourse(p, func(p plan, only []int) (simulation.Outcome, error) { return p.course(t, faults, only) }, out, err)
	t.Logf("it still fails as %v, faults %v: %v\n%s\n\n%s", small, only, smallErr, strings.Join(last.Befell, "\n"), strings.Join(last.Last, "\n"))
	return p, out
}

// shrinkCourse leaves out faults and events while the course fails.
func shrinkCourse(p plan, try func(plan, []int) (simulation.Outcome, error), out simulation.Outcome, err error) (plan, []int, simulation.Outcome, error) {
	only := []int{}
	for n := range out.Drawn {
		only = append(only, n+1)
	}
	for changed := true; changed; {
		changed = false
		for i := 0; i < len(only); {
			fewer := append(append([]int{}, only[:i]...), only[i+1:]...)
			if o, e := try(p, fewer); e != nil {
				only, out, err, changed = fewer, o, e, true
			} else {
				i++
			}
		}
		half := p
		half.Events, half.Users = max(1, p.Events/2), max(1, p.Users/2)
		if half.Events < p.Events {
			if o, e := try(half, only); e != nil {
				p, out, err, changed = half, o, e, true
			}
		}
	}
	return p, only, out, err
}

// A course that fails is made smaller: to the faults and the events that it takes.
func TestShrinkCourse(t *testing.T) {
	broken := errors.New("broken")
	p, only, _, err := shrinkCourse(plan{Events: 100, Users: 50}, func(p plan, only []int) (simulation.Outcome, error) {
		if p.Events >= 10 && strings.Contains(fmt.Sprint(only), "3 5") {
			return simulation.Outcome{}, broken
		}
		return simulation.Outcome{}, nil
	}, simulation.Outcome{Drawn: 8}, broken)
	if p.Events != 12 || fmt.Sprint(only) != "[3 5]" || !errors.Is(err, broken) {
		t.Errorf("%d events, faults %v, %v", p.Events, only, err)
	}
}

// The courses of events are hard enough to notice what is wrong between the engine and its state, and in the job.
func TestSimulationNoticesFlaws(t *testing.T) {
	for _, f := range []flaw{undeclared, skippedRecord, repeatedRecord, lostTimers, lostDeletions, forgottenRows, tornCheckpoints} {
		t.Run(string(f), func(t *testing.T) {
			for seed := uint64(1); seed <= mostSeeds; seed++ {
				p := simulated(seed)
				if f == undeclared && !p.shows(f) || f == forgottenRows && !p.Committing {
					continue
				}
				p.Flaw = f
				if _, err := p.course(t, 8, nil); err != nil {
					t.Logf("noticed by seed %d: %.300v", seed, err)
					return
				}
			}
			t.Errorf("%d courses came to what the log says all the same", mostSeeds)
		})
	}
}
