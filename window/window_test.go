package window_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/window"
)

const ms = time.Millisecond

func ExampleTumbling() {
	day := window.Tumbling(24 * time.Hour).WithOffset(-8 * time.Hour)
	ts := time.Date(2024, 1, 4, 15, 59, 0, 0, time.UTC).UnixMilli()
	for _, w := range day.Assign(nil, ts) {
		fmt.Println(day, time.UnixMilli(w.Start).UTC().Format(time.DateTime))
	}
	// Output: tumbling 24h0m0s offset -8h0m0s 2024-01-03 16:00:00
}

func ExampleSliding() {
	fmt.Println(window.Sliding(10*time.Millisecond, 5*time.Millisecond).Assign(nil, 12))
	// Output: [[10,20) [5,15)]
}

func TestTumblingVectors(t *testing.T) {
	for _, c := range []struct {
		ts, offset, size int64
		want             window.TimeWindow
	}{
		{0, 0, 10, window.TimeWindow{Start: 0, End: 10}},
		{9, 0, 10, window.TimeWindow{Start: 0, End: 10}},
		{10, 0, 10, window.TimeWindow{Start: 10, End: 20}},
		{-1, 0, 10, window.TimeWindow{Start: -10, End: 0}},
		{-10, 0, 10, window.TimeWindow{Start: -10, End: 0}},
		{-11, 0, 10, window.TimeWindow{Start: -20, End: -10}},
		{7, 3, 10, window.TimeWindow{Start: 3, End: 13}},
		{2, 3, 10, window.TimeWindow{Start: -7, End: 3}},
		{-1, 3, 10, window.TimeWindow{Start: -7, End: 3}},
		{-1, -3, 10, window.TimeWindow{Start: -3, End: 7}},
		{math.MaxInt64, 0, 10, window.TimeWindow{Start: math.MaxInt64 - 7, End: math.MaxInt64}},
		{math.MinInt64, 0, 10, window.TimeWindow{Start: math.MinInt64, End: math.MinInt64 + 8}},
		{math.MinInt64, 9, 10, window.TimeWindow{Start: math.MinInt64, End: math.MinInt64 + 7}},
		{math.MaxInt64, -9, 10, window.TimeWindow{Start: math.MaxInt64 - 6, End: math.MaxInt64}},
	} {
		a := window.Tumbling(time.Duration(c.size) * ms).WithOffset(time.Duration(c.offset) * ms)
		require.NoError(t, a.Err())
		require.Equal(t, []window.TimeWindow{c.want}, a.Assign(nil, c.ts), "%s at %d", a, c.ts)
	}
}

func TestSlidingVectors(t *testing.T) {
	for _, c := range []struct {
		ts, size, slide, offset int64
		want                    []window.TimeWindow
	}{
		{12, 10, 5, 0, []window.TimeWindow{{Start: 10, End: 20}, {Start: 5, End: 15}}},
		{-1, 10, 5, 0, []window.TimeWindow{{Start: -5, End: 5}, {Start: -10, End: 0}}},
		{12, 10, 4, 0, []window.TimeWindow{{Start: 12, End: 22}, {Start: 8, End: 18}, {Start: 4, End: 14}}},
		{7, 3, 10, 0, nil},
		{2, 3, 10, 0, []window.TimeWindow{{Start: 0, End: 3}}},
		{12, 10, 5, 2, []window.TimeWindow{{Start: 12, End: 22}, {Start: 7, End: 17}}},
		{3, 10, 5, -2, []window.TimeWindow{{Start: 3, End: 13}, {Start: -2, End: 8}}},
	} {
		a := window.Sliding(time.Duration(c.size)*ms, time.Duration(c.slide)*ms).WithOffset(time.Duration(c.offset) * ms)
		require.NoError(t, a.Err())
		require.Equal(t, c.want, a.Assign(nil, c.ts), "%s at %d", a, c.ts)
	}
}

// times are drawn near zero, near the ends and anywhere.
func times() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(-100, 100), rapid.Int64Range(math.MaxInt64-100, math.MaxInt64), rapid.Int64Range(math.MinInt64, math.MinInt64+100), rapid.Int64())
}

func contains(w window.TimeWindow, ts int64) bool { return w.Start <= ts && ts <= w.MaxTimestamp() }

func TestSlidingProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, slide := rapid.Int64Range(1, 300).Draw(t, "size"), rapid.Int64Range(1, 300).Draw(t, "slide")
		offset := rapid.Int64Range(1-slide, slide-1).Draw(t, "offset")
		ts := times().Draw(t, "ts")
		a := window.Sliding(time.Duration(size)*ms, time.Duration(slide)*ms).WithOffset(time.Duration(offset) * ms)
		require.NoError(t, a.Err())
		got := a.Assign([]window.TimeWindow{{Start: 1, End: 2}}, ts)
		require.Equal(t, window.TimeWindow{Start: 1, End: 2}, got[0], "what dst had stays")
		got = got[1:]
		require.GreaterOrEqual(t, int64(len(got)), size/slide)
		require.LessOrEqual(t, int64(len(got)), (size+slide-1)/slide)
		for i, w := range got {
			require.True(t, contains(w, ts), "%s does not contain %d", w, ts)
			if i > 0 {
				require.True(t, w.Start < got[i-1].Start || w.Start == math.MinInt64, "newest first")
			}
			if w.Start == math.MinInt64 || w.End == math.MaxInt64 {
				continue
			}
			require.Equal(t, size, w.End-w.Start)
			m := (w.Start%slide - offset) % slide
			require.Zero(t, m, "start %d is not on the grid of %d with offset %d", w.Start, slide, offset)
		}
	})
}

func TestTumblingIsSlidingBySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.Int64Range(1, 300), rapid.Int64Range(1, int64(100*365*24*time.Hour/ms))).Draw(t, "size")
		offset := rapid.Int64Range(1-size, size-1).Draw(t, "offset")
		ts := times().Draw(t, "ts")
		d, o := time.Duration(size)*ms, time.Duration(offset)*ms
		one := window.Tumbling(d).WithOffset(o).Assign(nil, ts)
		require.Equal(t, window.Sliding(d, d).WithOffset(o).Assign(nil, ts), one)
		require.Len(t, one, 1)
		require.True(t, contains(one[0], ts))
	})
}

func TestSessions(t *testing.T) {
	a := window.EventTimeSession(30 * time.Minute)
	require.NoError(t, a.Err())
	require.Equal(t, "session gap 30m0s", a.String())
	require.Equal(t, window.Traits{Merging: true}, a.Traits())
	require.Equal(t, []window.TimeWindow{{Start: 1000, End: 1_801_000}}, a.Assign(nil, 1000))
	require.Equal(t, []window.TimeWindow{{Start: math.MaxInt64 - 5, End: math.MaxInt64}}, a.Assign(nil, math.MaxInt64-5))
	require.Equal(t, window.TimeWindow{Start: -3, End: -1}, window.OfGap(-3, 2))
	require.Equal(t, window.TimeWindow{Start: 5, End: 6}, window.OfGap(5, 0))
	p := window.ProcessingTimeSession(time.Second)
	require.Equal(t, window.Traits{Merging: true, ProcessingTime: true}, p.Traits())
	require.Equal(t, "session gap 1s in processing time", p.String())
	// Records exactly a gap apart touch; a millisecond more and they do not.
	require.True(t, window.OfGap(1, 2).Touches(window.OfGap(3, 2)))
	require.False(t, window.OfGap(1, 2).Touches(window.OfGap(4, 2)))
	require.Equal(t, window.TimeWindow{Start: 1, End: 5}, window.OfGap(1, 2).Cover(window.OfGap(3, 2)))
}

func TestGlobalAndCount(t *testing.T) {
	all := []window.TimeWindow{{Start: math.MinInt64, End: math.MaxInt64}}
	for _, ts := range []int64{math.MinInt64, 0, math.MaxInt64} {
		require.Equal(t, all, window.Global().Assign(nil, ts))
		require.Equal(t, all, window.Count(3).Assign(nil, ts))
		require.True(t, contains(all[0], ts))
	}
	require.Equal(t, "never", window.Global().Traits().Trigger.String())
	require.Equal(t, "purging at count 3", window.Count(3).Traits().Trigger.String())
	require.Zero(t, window.Count(3).Traits().KeepLast)
	slid := window.CountSliding(10, 4)
	require.Equal(t, int64(10), slid.Traits().KeepLast)
	require.Equal(t, "at count 4", slid.Traits().Trigger.String())
	require.Equal(t, "count 10 every 4", slid.String())
	require.Equal(t, "count 3", window.Count(3).String())
}

func TestStrings(t *testing.T) {
	require.Equal(t, "tumbling 1m0s", window.Tumbling(time.Minute).String())
	require.Equal(t, "sliding 1m0s every 10s offset 5s in processing time", window.Sliding(time.Minute, 10*time.Second).WithOffset(5*time.Second).ProcessingTime().String())
	require.True(t, window.Tumbling(time.Minute).ProcessingTime().Traits().ProcessingTime)
	require.False(t, window.Tumbling(time.Minute).Traits().ProcessingTime)
}

func TestInvalid(t *testing.T) {
	type assigner interface {
		window.Assigner
		window.Validator
	}
	for _, c := range []struct {
		a    assigner
		want string
	}{
		{window.Tumbling(0), "window size of 0s"},
		{window.Tumbling(-time.Second), "window size of -1s"},
		{window.Tumbling(1500 * time.Microsecond), "whole number of milliseconds"},
		{window.Tumbling(time.Microsecond), "at least 1ms"},
		{window.Tumbling(time.Second).WithOffset(time.Second), "window offset of 1s"},
		{window.Tumbling(time.Second).WithOffset(-time.Second), "window offset of -1s"},
		{window.Tumbling(time.Second).WithOffset(time.Microsecond), "whole number of milliseconds"},
		{window.Tumbling(0).WithOffset(time.Second), "window size of 0s"},
		{window.Sliding(time.Second, 0), "window slide of 0s"},
		{window.Sliding(0, time.Second), "window size of 0s"},
		{window.Sliding(time.Second, 100*ms).WithOffset(100 * ms), "window offset of 100ms"},
		{window.Sliding(100*24*time.Hour*365, ms), "at most 10000000"},
		{window.EventTimeSession(0), "window gap of 0s"},
		{window.ProcessingTimeSession(-1), "window gap of -1ns"},
		{window.Count(0), "count windows of 0 records"},
		{window.CountSliding(3, -1), "every -1"},
	} {
		require.ErrorContains(t, c.a.Err(), c.want, c.a.String())
		require.NotPanics(t, func() { c.a.Assign(nil, 12345); c.a.Traits() })
	}
}

func TestAssignAllocatesNothing(t *testing.T) {
	dst := make([]window.TimeWindow, 0, 8)
	for _, a := range []window.Assigner{window.Tumbling(time.Minute), window.Sliding(time.Minute, 10*time.Second), window.EventTimeSession(time.Minute)} {
		require.Zero(t, testing.AllocsPerRun(100, func() { dst = a.Assign(dst[:0], 1_704_368_738_000) }), a.String())
	}
}
