package progress

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

func TestLiveRateIsSmooth(t *testing.T) {
	h := History{}
	for i := range int64(31) {
		h.Points = append(h.Points, Point{At: 1000 * i, Appended: 500 * (i / 5)}) // told every five seconds
	}
	rates := h.Rates(time.Second)
	for _, r := range rates[11:] {
		require.InDelta(t, 100, r.Live, 10)
	}
	require.InDelta(t, -1, rates[0].Live, 0, "not known at the beginning")
}

func TestGrowing(t *testing.T) {
	var g growing
	for _, step := range []struct{ value, want int64 }{{110, 10}, {150, 50}, {20, 70}, {30, 80}} {
		g.add(step.value, 100)
		require.Equal(t, step.want, g.sum)
	}
}

func TestSharesOfTime(t *testing.T) {
	h := History{Points: []Point{{At: 0}, {At: 1000, Busy: 600, Idle: 200, Blocked: 150, Paused: 50}}}
	r := h.Rates(0)[1]
	require.InDeltaSlice(t, []float64{0.6, 0.2, 0.15, 0.05}, []float64{r.Busy, r.Idle, r.Blocked, r.Paused}, 1e-9)
}
