//go:build unix && !race

package bench

import (
	"testing"
	"time"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
)

// The engine's processor time for the session job stays within a bound of that of the loop by hand, which has no event time, no timers, no checkpoints and one
// core: both take turns in this process, and the least of each counts. On a quiet machine it is about half as much again.
func TestProcessorTimeBesideTheLoopByHand(t *testing.T) {
	const turns, most = 5, 3.0
	paths := clickLog(t)
	decode := codec.Proto[*pb.ClickEvent](codec.Aliased())
	least := func(was time.Duration, run func() (sessions, events int64)) time.Duration {
		before := cpuTime(t)
		if _, events := run(); events != logEvents {
			t.Fatalf("%d events in sessions, want %d", events, logEvents)
		}
		took := cpuTime(t) - before
		if was == 0 {
			return took
		}
		return min(was, took)
	}
	var hand, ours time.Duration
	for range turns {
		hand = least(hand, func() (int64, int64) { return byHand(t, paths, decode) })
		ours = least(ours, func() (int64, int64) { return engine(t, paths, decode, false, true) })
	}
	ratio := float64(ours) / float64(hand)
	t.Logf("%.0f ns of processor time for an event, %.0f by hand: %.2f times as much", float64(ours)/logEvents, float64(hand)/logEvents, ratio)
	if ratio > most {
		t.Errorf("the engine takes %.2f times the processor time of the loop by hand, at most %.1f was wanted", ratio, most)
	}
}
