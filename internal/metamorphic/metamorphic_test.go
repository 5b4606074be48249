package metamorphic

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/nightly"
)

// thorough is how long the random jobs of a test take, about.
var thorough = time.Duration(nightly.Pick(20, 200)) * time.Second / slowdown

// A random job on a random log comes to what the log says, however it is run and whatever befalls it.
func TestRandomJobs(t *testing.T) {
	if seed := env(t, "MILLRACE_SEED"); seed > 0 {
		judge(t, uint64(seed))
		return
	}
	most := int64(env(t, "MILLRACE_SEEDS"))
	end := time.Now().Add(thorough)
	var seeds atomic.Int64
	var mu sync.Mutex
	var total outcome
	jobs, events := 0, int64(0)
	var workers sync.WaitGroup
	for range 4 { // runs wait more than they work
		workers.Go(func() {
			for !t.Failed() && (most > 0 || time.Now().Before(end)) {
				seed := seeds.Add(1)
				if most > 0 && seed > most {
					return
				}
				out := judge(t, uint64(seed))
				judged := newPlan(uint64(seed))
				mu.Lock()
				jobs++
				total.runs += out.runs + 1
				total.losses += out.losses
				events += int64(judged.Events)
				total.reads += out.reads
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	t.Logf("%d jobs, %d runs, %d power losses, %d keys read back from the state", jobs, total.runs, total.losses, total.reads)
	nightly.Record(t, nightly.Figures{Part: "random jobs, against the oracle", Seeds: int64(jobs), CrashPoints: int64(total.losses), Events: events, Faults: map[string]int64{"power lost": int64(total.losses)}})
	if total.reads == 0 || total.losses == 0 {
		t.Error("state was never larger than memory, or the power never lost: the test has lost its point")
	}
}

func env(t *testing.T, name string) int {
	v := os.Getenv(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number from 1", name, v)
	}
	return n
}

func judge(t *testing.T, seed uint64) outcome {
	t.Helper()
	p := newPlan(seed)
	out, err := p.try()
	if err == nil {
		return out
	}
	t.Errorf("%v: %v\nrun it again with MILLRACE_SEED=%d go test -run TestRandomJobs ./internal/metamorphic", p, err, seed)
	if small, smallErr := shrink(p); smallErr != nil {
		t.Logf("it still fails as %v: %v", small, smallErr)
	}
	return out
}

// try runs the plan and compares.
func (p plan) try() (outcome, error) {
	log := p.log()
	splits := p.splits(log)
	out, err := p.run(splits)
	if err != nil {
		return out, err
	}
	if err := p.check(log, splits, out); err != nil {
		return out, fmt.Errorf("after %d runs: %w", out.runs+1, err)
	}
	return out, nil
}
