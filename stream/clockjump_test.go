package stream_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/clock"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// jumping is the real clock, set forward and back: what it says jumps, what it rings for does not.
type jumping struct {
	clock.Real
	ahead atomic.Int64
}

func (c *jumping) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *jumping) jump(d time.Duration) { c.ahead.Add(int64(d)) }

// Under a clock that jumps by hours and years, records still arrive once each, checkpoints go on, buffers empty themselves, the limit lets records pass and the job stops.
func TestJobUnderAJumpingClock(t *testing.T) {
	c := &jumping{}
	j := newJob(stream.UnderTest(c, nil), stream.CheckpointEvery(5*ms), stream.BufferTimeout(ms), stream.RateLimit(limit.New(limit.Rate{Events: 20_000})), stream.StateDir(t.TempDir()))
	live := memory.NewLive[int](2)
	in := stream.From[int](j, "numbers", live, watermark.Monotonous(atMilli).WithIdleness(20*ms))
	windows := stream.Window(stream.KeyBy(in, identity), window.Tumbling(10*ms))
	list, late := to(stream.Reduce(windows, "sums", sum)), &sinkmemory.List[int]{}
	stream.To(stream.Late(windows), "late", late) // a jump may make a split idle for which another one then does not wait
	_, ended := running(t, j)
	n := 0
	for round, d := range []time.Duration{time.Hour, -2 * time.Hour, 50 * 365 * 24 * time.Hour, -50 * 365 * 24 * time.Hour, -time.Millisecond, 0} {
		before := j.Count("checkpoints")
		for range 200 {
			require.NoError(t, live.Append(n%2, n))
			n++
		}
		c.jump(d)
		eventually(t, fmt.Sprintf("round %d: all is read", round), func() bool { return readBy(j) == int64(n) })
		eventually(t, "checkpoints go on", func() bool { return j.Count("checkpoints") > before+1 })
	}
	live.Close()
	require.NoError(t, <-ended)
	rows := append(list.Rows(), late.Rows()...)
	slices.Sort(rows)
	require.True(t, slices.Equal(upTo(n), rows), "%d of %d", len(rows), n)
}

// readBy is how many records the sources have read.
func readBy(j *stream.Job) (n int64) {
	for _, s := range j.Status().Splits {
		n += s.Records
	}
	return n
}

// perWindow is how many records a processing-time window had.
type perWindow struct {
	start, n int64
}

type countPerWindow struct{}

func (countPerWindow) New() int64               { return 0 }
func (countPerWindow) Add(a int64, _ int) int64 { return a + 1 }
func (countPerWindow) Merge(a, b int64) int64   { return a + b }
func (countPerWindow) Result(_ int, w window.TimeWindow, a int64) perWindow {
	return perWindow{w.Start, a}
}

// A processing-time window is emitted once, also where the clock is set back behind its beginning after that; and a clock that is set forward is noticed.
func TestProcessingTimeWindowsUnderAJumpingClock(t *testing.T) {
	for label, c := range map[string]struct {
		jumps []time.Duration
		once  bool // no window comes twice, so a table keeps them all
	}{
		"a little back":      {[]time.Duration{-30 * time.Second, -20 * time.Second, time.Second}, true},
		"forward":            {[]time.Duration{time.Hour, 24 * time.Hour}, true},
		"forward and back":   {[]time.Duration{time.Hour, -time.Hour, -time.Hour}, false},
		"by years, and back": {[]time.Duration{10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour}, false},
	} {
		t.Run(label, func(t *testing.T) {
			jumpy := &jumping{}
			j := newJob(stream.UnderTest(jumpy, nil))
			live := memory.NewLive[int](1)
			in := stream.From[int](j, "numbers", live, watermark.None(atMilli))
			counts := stream.Aggregate(stream.Window(stream.KeyBy(in, func(int) int { return 0 }), window.Tumbling(20*ms).ProcessingTime()), "counts", countPerWindow{})
			table := sinkmemory.NewTable(func(p perWindow) int64 { return p.start })
			stream.To(counts, "table", table)
			_, ended := running(t, j)
			n := 0
			total := func() (all int64) {
				for _, row := range table.Changes() {
					all += row.Value.n
				}
				return all
			}
			for _, d := range append(c.jumps, 0) {
				for range 50 {
					require.NoError(t, live.Append(0, n))
					n++
				}
				eventually(t, "all is read", func() bool { return readBy(j) == int64(n) })
				if d >= 0 || !c.once {
					jumpy.jump(d)
					continue
				}
				eventually(t, "the window is emitted", func() bool { return total() == int64(n) })
				jumpy.jump(d)
				jumpy.jump(-d - 25*ms) // behind the beginning of what was emitted, and soon there again
			}
			live.Close()
			require.NoError(t, <-ended)
			require.EqualValues(t, n, total(), "every record is in one window")
			if !c.once {
				return
			}
			kept := int64(0)
			for _, row := range table.Rows() {
				kept += row.n
			}
			require.EqualValues(t, n, kept, "no result was replaced by a part of it")
		})
	}
}
