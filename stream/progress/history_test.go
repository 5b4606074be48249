package progress

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/stream"
)

// However long a job runs, its history stays small, holds the latest minutes whole, and its totals are right.
func TestHistoryIsBounded(t *testing.T) {
	for _, hours := range []int{1, 10, 200} {
		var s series
		last := int64(hours) * 3600
		for i := range last {
			s.add(Point{At: 1000 * i, Events: 7 * i})
		}
		h := History{Points: s.points()}
		require.LessOrEqual(t, len(h.Points), recentPoints+oldPoints+1)
		require.Greater(t, len(h.Points), recentPoints+oldPoints/3)
		require.Zero(t, h.Points[0].At, "the beginning is kept")
		for i, p := range h.Points[len(h.Points)-recentPoints:] {
			require.Equal(t, 1000*(last-recentPoints+int64(i)), p.At)
		}
		for _, r := range h.Rates(0)[1:] {
			require.InDelta(t, 7, r.Events, 1e-9)
		}
	}
}

func TestClockSetBack(t *testing.T) {
	var s series
	for _, at := range []int64{1, 5, 3, 5, 6} {
		s.add(Point{At: at})
	}
	require.Equal(t, []Point{{At: 1}, {At: 5}, {At: 6}}, s.points())
}

// The live rate is right also where the end of the log is seen seldom, and falls to zero when nothing more comes.
func TestTide(t *testing.T) {
	begin := time.UnixMilli(1_800_000_000_000)
	for _, every := range []int{1, 4, 20} {
		var tide tide
		for i := range 100 {
			tide.look(begin.Add(time.Duration(i)*time.Second), stream.SplitStatus{LogEnd: int64(1000 + 100*(i-i%every))})
			if rate, known := tide.rate(); i > every {
				require.True(t, known)
				require.InDelta(t, 100, rate, 1e-6)
			} else if i < every {
				require.False(t, known)
			}
			require.LessOrEqual(t, len(tide.seen), 18)
		}
		still := begin.Add(99 * time.Second)
		for i := range 40 {
			tide.look(still.Add(time.Duration(i)*time.Second), stream.SplitStatus{LogEnd: 10_900, AtEnd: true})
		}
		rate, known := tide.rate()
		require.True(t, known)
		require.Zero(t, rate)
	}
	var unknown tide
	unknown.look(begin, stream.SplitStatus{LogEnd: -1})
	_, known := unknown.rate()
	require.False(t, known)
}

func TestGrowing(t *testing.T) {
	var g growing
	for _, step := range []struct{ value, want int64 }{{10, 10}, {50, 50}, {20, 70}, {30, 80}} {
		g.add(step.value)
		require.Equal(t, step.want, g.sum)
	}
}

// The short rest of a history is not a rate of its own.
func TestRest(t *testing.T) {
	h := History{}
	for i := range int64(12) {
		h.Points = append(h.Points, Point{At: 200 * i, Events: 200 * i})
	}
	rates := h.Rates(time.Second)
	require.Len(t, rates, 3)
	require.Equal(t, 1200*time.Millisecond, rates[2].Span)
}

func TestSharesOfTime(t *testing.T) {
	h := History{Points: []Point{{At: 0}, {At: 1000, Busy: 600, Idle: 200, Blocked: 150, Paused: 50}}}
	r := h.Rates(0)[1]
	require.InDeltaSlice(t, []float64{0.6, 0.2, 0.15, 0.05}, []float64{r.Busy, r.Idle, r.Blocked, r.Paused}, 1e-9)
}
