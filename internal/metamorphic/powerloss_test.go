package metamorphic

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/oracle"
)

// smallJob writes checkpoints of windows, timers, positions and rows in few file operations.
func smallJob(sinks promise) plan {
	return plan{
		Seed: 1, Events: 400, Users: 30, Partitions: 2, Keying: oneSplit, Function: process, Hourly: true, Pebble: true,
		Committing: sinks == committing, Transacted: sinks == transacted, Params: oracle.Params{Gap: 30 * minute, Bound: minute},
	}
}

// promise is when a job's sinks show rows.
type promise string

const (
	upserting  promise = "upserting"
	committing promise = "committing"
	transacted promise = "transacted"
)

func smallSetting() setting {
	return setting{Parallelism: 2, Batch: 16, Buffer: time.Millisecond, Memory: 1 << 20, Chunk: 20, Slow: true, Checkpoint: time.Millisecond, Ending: through}
}

// within the given time, at calls f with operations of a job that makes so many, evenly spread.
func at(t *testing.T, ops int64, most time.Duration, f func(n int)) (visited int) {
	stride := 1 + int(ops)/7
	for stride%2 == 0 || stride%3 == 0 || ops%int64(stride) == 0 && stride > 1 {
		stride++
	}
	end, done := time.Now().Add(most), 0
	// A stride that has no divisor in common with the number visits all, spread widely from the start.
	for i := range ops {
		if time.Now().After(end) || t.Failed() {
			break
		}
		f(int(i * int64(stride) % ops))
		done++
	}
	t.Logf("%d of %d file operations", done, ops)
	return done
}

func undisturbed(t *testing.T, p plan) int64 {
	p.Script = []setting{smallSetting()}
	out, err := p.try()
	if err != nil {
		t.Fatal(err)
	}
	return out.ops
}

// Whichever file operation the power is lost before, the job goes on from what is left and comes to what the log says.
func TestPowerLossAtEveryOperation(t *testing.T) {
	for _, sinks := range []promise{upserting, committing, transacted} {
		t.Run(string(sinks), func(t *testing.T) {
			p := smallJob(sinks)
			done := at(t, undisturbed(t, p), thorough/6, func(n int) {
				for _, survives := range []int{0, 50, 100} {
					s := smallSetting()
					s.Ending, s.After, s.Survives = powerLoss, n, survives
					again := s
					again.After = n % 40 // while it recovers
					p.Script = []setting{s, again}
					if _, err := p.try(); err != nil {
						t.Fatalf("power lost before operation %d, then %d, %d %% of unsynced data left: %v", n, again.After, survives, err)
					}
				}
			})
			points := int64(6 * done) // what is left is of three kinds, and the power is lost twice
			nightly.Record(t, nightly.Figures{Part: "power loss at each file operation of a job", CrashPoints: points, Events: int64(3 * done * p.Events), Faults: map[string]int64{"power lost": points}})
		})
	}
}

// A disk that refuses to write ends the job with the disk's error, or is worked around; when it works again the job goes on.
func TestDiskRefuses(t *testing.T) {
	for once, sinks := range map[bool]promise{false: upserting, true: transacted} {
		for _, refusal := range []error{syscall.ENOSPC, syscall.EIO} {
			t.Run(fmt.Sprintf("%v/once=%v", refusal, once), func(t *testing.T) {
				t.Parallel()
				p := smallJob(sinks)
				done := at(t, undisturbed(t, p), thorough/4, func(n int) {
					s := smallSetting()
					s.Ending, s.After, s.Refusal, s.Once = diskRefuses, n, refusal, once
					p.Script = []setting{s}
					if _, err := p.try(); err != nil {
						t.Fatalf("operation %d: %v", n, err)
					}
				})
				kind := map[error]string{syscall.ENOSPC: "disk full", syscall.EIO: "I/O error"}[refusal]
				nightly.Record(t, nightly.Figures{
					Part: "disk refuses a file operation of a job", CrashPoints: int64(done), Events: int64(done * p.Events), Faults: map[string]int64{kind: int64(done)},
				})
			})
		}
	}
}
