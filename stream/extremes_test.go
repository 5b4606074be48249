package stream_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// moments are timestamps at the ends of what can be said and around zero, in order.
var moments = []int64{
	math.MinInt64, math.MinInt64 + 1, math.MinInt64 + 9, -62_167_219_200_001, -62_167_219_200_000, -11, -10, -1, 0, 1, 9, 10,
	253_402_300_800_000, math.MaxInt64 - 10, math.MaxInt64 - 9, math.MaxInt64 - 2, math.MaxInt64 - 1, math.MaxInt64,
}

func momentOf(ts int64) time.Time { return time.UnixMilli(ts) }

type howMany struct{}

func (howMany) New() int64                                            { return 0 }
func (howMany) Add(n int64, _ int64) int64                            { return n + 1 }
func (howMany) Merge(a, b int64) int64                                { return a + b }
func (howMany) Result(_ string, _ window.TimeWindow, n int64) tallied { return tallied{n} }
func (howMany) Retract(n int64, _ int64) int64                        { return n - 1 }

type tallied struct{ N int64 }

// Every record is in its windows or late, whatever its timestamp, in windows of every kind, in order and in reverse, behind an exchange and in place.
func TestExtremeTimestamps(t *testing.T) {
	forever := time.Duration(math.MaxInt64).Truncate(ms)
	reversed := slices.Clone(moments)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name    string
		windows func(stream.KeyedStream[string, int64], ...stream.WindowOption) stream.WindowedStream[string, int64]
		each    int64 // windows of a record
		ends    bool  // the window of the least time ends with it
	}{
		{"tumbling", assigned(window.Tumbling(10 * ms)), 1, false},
		{"tumbling, one millisecond", assigned(window.Tumbling(ms)), 1, true},
		{"tumbling, 292 years", assigned(window.Tumbling(forever)), 1, false},
		{"tumbling with offset", assigned(window.Tumbling(24 * time.Hour).WithOffset(-7 * time.Hour)), 1, false},
		{"sliding", assigned(window.Sliding(10*ms, 5*ms)), 2, false},
		{"session", assigned(window.EventTimeSession(10 * ms)), 1, false},
		{"session, 292 years", assigned(window.EventTimeSession(forever)), 1, false},
		{"global", func(k stream.KeyedStream[string, int64], opts ...stream.WindowOption) stream.WindowedStream[string, int64] {
			return stream.Window(k, window.Global(), append(opts, stream.Trigger(window.AtEnd()))...)
		}, 1, false},
		{"every", func(k stream.KeyedStream[string, int64], opts ...stream.WindowOption) stream.WindowedStream[string, int64] {
			return stream.Window(k, window.Tumbling(time.Hour), append(opts, stream.Trigger(window.Purging(window.AnyOf(window.Every(time.Minute), window.AtEnd()))))...)
		}, 1, false},
		{"dynamic sessions", func(k stream.KeyedStream[string, int64], opts ...stream.WindowOption) stream.WindowedStream[string, int64] {
			return stream.DynamicSessions(k, "by time", func(ts int64) time.Duration { return time.Duration(ts) }, opts...)
		}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][]int64{moments, reversed} {
				for _, strategy := range []watermark.Strategy[int64]{
					watermark.None(momentOf), watermark.Monotonous(momentOf), watermark.BoundedOutOfOrderness(forever, momentOf),
				} {
					for _, lateness := range []time.Duration{0, forever} {
						j := newJob()
						in := stream.From(j, "moments", memory.Of(order...), strategy)
						w := c.windows(stream.KeyBy(in, func(int64) string { return "k" }, stream.OneSplitPerKey()), stream.AllowedLateness(lateness))
						panes, late := &batches[tallied]{traits: sink.Traits{Upserts: true}}, &sinkmemory.List[int64]{}
						stream.To(stream.Aggregate(w, "counts", howMany{}), "panes", panes)
						stream.To(stream.Late(w), "late", late)
						require.NoError(t, j.Run(t.Context()))
						shown, missed, all := int64(0), int64(len(late.Rows())), int64(len(moments))
						for _, row := range panes.rows() {
							if row.Op == sink.Delete {
								shown -= row.Value.N
								continue
							}
							shown += row.Value.N
						}
						require.GreaterOrEqual(t, shown+c.each*missed, c.each*all, "%s, lateness %s", strategy.Name, lateness) // a record may miss some of its windows
						require.LessOrEqual(t, shown+missed, c.each*all)
						if strategy.New == nil || slices.IsSorted(order) {
							// The least time is what watermarks are before the first record: a window that ends with it is over when the job begins.
							late := slices.DeleteFunc(late.Rows(), func(ts int64) bool { return ts == math.MinInt64 && c.ends })
							require.Empty(t, late, "%s, lateness %s, from %d", strategy.Name, lateness, order[0])
						}
					}
				}
			}
		})
	}
}

// assigned are windows of an assigner.
func assigned(a window.Assigner) func(stream.KeyedStream[string, int64], ...stream.WindowOption) stream.WindowedStream[string, int64] {
	return func(k stream.KeyedStream[string, int64], opts ...stream.WindowOption) stream.WindowedStream[string, int64] {
		return stream.Window(k, a, opts...)
	}
}

// edge sets timers at the ends of time and takes one of them back.
type edge struct{}

func (edge) Open(*stream.OpenContext) error { return nil }

func (edge) Process(ctx *stream.Context, in stream.Keyed[string, int64], _ *stream.Collector[int64]) error {
	ts := in.Value
	ctx.SetEventTimer(time.UnixMilli(ts))
	ctx.SetEventTimer(time.Unix(math.MinInt64, 0))
	ctx.SetEventTimer(time.Unix(math.MaxInt64, 0))
	if ts == math.MaxInt64 {
		ctx.DeleteEventTimer(time.Unix(math.MaxInt64, 0))
	}
	return nil
}

func (edge) OnTimer(_ *stream.Context, _ stream.Keyed[string, int64], at time.Time, out *stream.Collector[int64]) error {
	out.Emit(at.UnixMilli())
	return nil
}

// Timers at the ends of time fire, can be taken back, and what they emit is not late for a window that follows.
func TestExtremeTimers(t *testing.T) {
	j := newJob()
	in := stream.From(j, "moments", memory.Of(moments...), watermark.None(momentOf))
	timers := stream.Process(stream.KeyBy(in, func(int64) string { return "k" }), "timers", stream.PerTask(func() edge { return edge{} }))
	w := stream.Window(stream.KeyBy(timers, func(int64) string { return "k" }), window.Tumbling(time.Hour))
	panes, late := &batches[tallied]{}, &sinkmemory.List[int64]{}
	stream.To(stream.Aggregate(w, "counts", howMany{}), "panes", panes)
	stream.To(stream.Late(w), "late", late)
	require.NoError(t, j.Run(t.Context()))
	n := int64(0)
	for _, row := range panes.rows() {
		n += row.Value.N
	}
	require.Empty(t, late.Rows())
	require.EqualValues(t, len(moments)-3, n, "the ends are held a millisecond inside, where there are timers already, and the last is taken back")
}
