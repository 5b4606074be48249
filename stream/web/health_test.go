package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/stream/progress"
)

func TestAliveAndReady(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	splits := []progress.Split{{ID: "clicks/0", Position: 7, State: "reading"}, {ID: "clicks/1", State: "at the end"}}
	for name, c := range map[string]struct {
		job          Job
		now          progress.Now
		alive, ready string
		well, able   bool
	}{
		"waiting":  {now: progress.Now{State: progress.Waiting}, alive: "waiting", ready: "waiting", well: true},
		"starting": {now: progress.Now{State: progress.Running, Moved: now}, alive: "running, moved 0s ago", ready: "starting: it has not found its input yet", well: true},
		"reads":    {now: progress.Now{State: progress.Running, Moved: now, Splits: splits}, alive: "running, moved 0s ago", ready: "running", well: true, able: true},
		"stalled": {
			now:   progress.Now{State: progress.Running, Moved: now.Add(-3 * time.Minute), Splits: splits},
			alive: "nothing has moved for 3m0s although there is something to read: clicks/0 at 7 (reading)", ready: "running", able: true,
		},
		"patient": {
			job: Job{StalledAfter: time.Hour}, now: progress.Now{State: progress.Running, Moved: now.Add(-3 * time.Minute), Splits: splits},
			alive: "running, moved 3m0s ago", ready: "running", well: true, able: true,
		},
		"follows, behind": {
			job: Job{Follows: true}, now: progress.Now{State: progress.Running, Moved: now, Splits: splits, Lag: 123_456},
			alive: "running, moved 0s ago", ready: "catching up: 123,456 positions to read, the bound is 10,000", well: true,
		},
		"follows, unknown": {
			job: Job{Follows: true}, now: progress.Now{State: progress.Running, Moved: now, Splits: splits, Lag: -1},
			alive: "running, moved 0s ago", ready: "catching up, and does not know yet how far the log goes", well: true,
		},
		"follows, near": {
			job: Job{Follows: true}, now: progress.Now{State: progress.Running, Moved: now, Splits: splits, Lag: 9_999},
			alive: "running, moved 0s ago", ready: "running, caught up", well: true, able: true,
		},
		"follows, bounded by 5": {
			job: Job{Follows: true, ReadyLag: 5}, now: progress.Now{State: progress.Running, Moved: now, Splits: splits, Lag: 6},
			alive: "running, moved 0s ago", ready: "catching up: 6 positions to read, the bound is 5", well: true,
		},
		"at the end": {
			job: Job{Follows: true}, now: progress.Now{State: progress.Running, Moved: now, Splits: splits, CaughtUp: true, Lag: -1},
			alive: "running, has read all there is", ready: "running, caught up", well: true, able: true,
		},
		"finished": {now: progress.Now{State: progress.Finished}, alive: "finished", ready: "finished", well: true, able: true},
		"stopped":  {now: progress.Now{State: progress.Halted}, alive: "stopped", ready: "stopped", well: true},
		"failed":   {now: progress.Now{State: progress.Broken, Error: "the disk is full"}, alive: "failed: the disk is full", ready: "failed: the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, check{c.well, c.alive}, c.job.alive(c.now, now))
			require.Equal(t, check{c.able, c.ready}, c.job.ready(c.now))
		})
	}
}
