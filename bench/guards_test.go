//go:build unix && !race

package bench

import (
	"math"
	"testing"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
)

// The engine's processor time for the session job stays within a bound of that of the loop by hand, which has no event time, no timers, no checkpoints and one
// core: both take turns in this process, and the least of each counts. It is about twice as much.
func TestProcessorTimeBesideTheLoopByHand(t *testing.T) {
	const turns, most = 5, 3.0
	paths := clickLog(t)
	decode := codec.Proto[*pb.ClickEvent](codec.Aliased())
	took := func(run func() (sessions, events int64)) float64 {
		before := cpuTime(t)
		if _, events := run(); events != logEvents {
			t.Fatalf("%d events in sessions, want %d", events, logEvents)
		}
		return float64(cpuTime(t) - before)
	}
	hand, ours := math.Inf(1), math.Inf(1)
	for range turns {
		hand = min(hand, took(func() (int64, int64) { return byHand(t, paths, decode) }))
		ours = min(ours, took(func() (int64, int64) { return engine(t, paths, decode, false, true) }))
	}
	ratio := ours / hand
	t.Logf("%.0f ns of processor time for an event, %.0f by hand: %.2f times as much", ours/logEvents, hand/logEvents, ratio)
	if ratio > most {
		t.Errorf("the engine takes %.2f times the processor time of the loop by hand, at most %.1f was wanted", ratio, most)
	}
}
