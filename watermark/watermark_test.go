package watermark_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/watermark"
)

const ms = time.Millisecond

func at(ts int64) time.Time { return time.UnixMilli(ts) }

func ExampleBoundedOutOfOrderness() {
	s := watermark.BoundedOutOfOrderness(20*time.Second, time.UnixMilli).WithIdleness(time.Minute)
	g := s.New()
	for _, ts := range []int64{90_000, 100_000, 95_000} {
		fmt.Println(g.OnRecord(ts, ts))
	}
	// Output:
	// 69999
	// 79999
	// 79999
}

func TestBounded(t *testing.T) {
	for _, c := range []struct {
		bound time.Duration
		ts    []int64
		want  []int64
	}{
		{20 * time.Second, []int64{100_000}, []int64{79_999}},
		{20 * time.Second, []int64{100_000, 50_000, 100_001}, []int64{79_999, 79_999, 80_000}},
		{0, []int64{0, -1, 1}, []int64{-1, -1, 0}},
		{5 * ms, []int64{-100}, []int64{-106}},
		{5 * ms, []int64{math.MaxInt64}, []int64{math.MaxInt64 - 6}},
		{5 * ms, []int64{math.MinInt64, math.MinInt64 + 5, math.MinInt64 + 6, math.MinInt64 + 7}, []int64{math.MinInt64, math.MinInt64, math.MinInt64, math.MinInt64 + 1}},
		{math.MaxInt64, []int64{0}, []int64{-9_223_372_036_855 - 1}},
		// Part of a millisecond may move a timestamp across one.
		{1500 * time.Microsecond, []int64{100}, []int64{97}},
		{1, []int64{100}, []int64{98}},
	} {
		g := watermark.BoundedOutOfOrderness(c.bound, at).New()
		for i, ts := range c.ts {
			require.Equal(t, c.want[i], g.OnRecord(ts, ts), "bound %s, record %d at %d", c.bound, i, ts)
		}
	}
}

func TestMonotonous(t *testing.T) {
	s := watermark.Monotonous(at)
	require.Equal(t, "monotonous", s.Name)
	require.Equal(t, int64(6), s.New().OnRecord(7, 7))
	require.Equal(t, at(7), s.Timestamp(7))
}

func TestBoundedProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.Int64Range(0, 1000).Draw(t, "bound")
		ts := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(-2000, 2000), rapid.Int64()), 1, 30).Draw(t, "timestamps")
		cut := rapid.IntRange(0, len(ts)).Draw(t, "restart after")
		s := watermark.BoundedOutOfOrderness(time.Duration(bound)*ms, at)
		whole, restarted := s.New(), s.New()
		last := watermark.Min
		top := ts[0]
		for i, x := range ts {
			if i == cut {
				restarted = s.New()
				restarted.Restore(last)
			}
			w := whole.OnRecord(x, x)
			require.Equal(t, w, restarted.OnRecord(x, x), "a restored generator goes on as if nothing had happened")
			require.GreaterOrEqual(t, w, last)
			top = max(top, x)
			if top >= math.MinInt64+bound+1 {
				require.Equal(t, top-bound-1, w)
			} else {
				require.Equal(t, watermark.Min, w)
			}
			last = w
		}
	})
}

func TestRestoreAtTheEnds(t *testing.T) {
	g := watermark.BoundedOutOfOrderness(5*ms, at).New()
	g.Restore(watermark.Min)
	require.Equal(t, int64(1), g.OnRecord(7, 7))
	g.Restore(watermark.Max)
	require.Equal(t, int64(math.MaxInt64-6), g.OnRecord(7, 7), "the engine keeps Max; the generator must not overflow")
}

func TestNegativeBoundIsRefused(t *testing.T) {
	s := watermark.BoundedOutOfOrderness(-time.Second, at)
	require.ErrorContains(t, s.Err(), "-1s")
	require.NoError(t, watermark.BoundedOutOfOrderness(0, at).Err())
	require.ErrorContains(t, watermark.Monotonous(at).WithIdleness(-time.Second).Err(), "idleness")
	require.NoError(t, watermark.Strategy[int64]{}.Err())
}

func TestStrategies(t *testing.T) {
	s := watermark.None(at)
	require.Nil(t, s.New)
	require.Equal(t, "no watermarks", s.Name)
	custom := watermark.Custom("by marker", at, func() watermark.Generator[int64] { return nil })
	require.Equal(t, "by marker", custom.Name)
	changed := custom.WithIdleness(1).WithMaxDrift(2).WithFutureGuard(3)
	require.Equal(t, []time.Duration{1, 2, 3}, []time.Duration{changed.Idleness, changed.MaxDrift, changed.FutureGuard})
	require.Zero(t, custom.Idleness, "With makes a copy")
}
