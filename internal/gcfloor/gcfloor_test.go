package gcfloor

import (
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
)

func goal() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	runtime.GC()
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

func TestTheHeapMayGrowByTheHeadroom(t *testing.T) {
	const headroom = 32 << 20
	before := goal()
	Raise(headroom)
	if got := goal(); got < 2*headroom { // the ballast counts as living
		t.Errorf("the collector's goal went from %d to %d bytes, want %d at least", before, got, 2*headroom)
	}
	Raise(headroom / 2)
	if len(ballast) != headroom {
		t.Errorf("a smaller headroom made the ballast %d bytes, want %d still", len(ballast), headroom)
	}
}

func TestSizeOfTheBallast(t *testing.T) {
	for _, c := range []struct {
		headroom       int64
		percent, limit uint64
		want           int64
	}{
		{64, 100, math.MaxInt64, 64},
		{64, 400, math.MaxInt64, 16},
		{64, math.MaxUint64, math.MaxInt64, 0}, // GOGC=off
		{64, 0, math.MaxInt64, 0},
		{64, 100, 80, 10},
		{0, 100, math.MaxInt64, 0},
		{-1, 100, math.MaxInt64, 0},
	} {
		if got := sizeOf(c.headroom, c.percent, c.limit); got != c.want {
			t.Errorf("headroom %d at GOGC=%d and a limit of %d: %d bytes, want %d", c.headroom, c.percent, c.limit, got, c.want)
		}
	}
}
