package exchange

import (
	"math"
	"testing"
)

func TestValve(t *testing.T) {
	type step struct {
		lane      int
		watermark int64
		idle      bool
		out       int64
		allIdle   bool
	}
	for name, steps := range map[string][]step{
		"minimum, idleness, and a lane that returns holds at once": {
			{0, 10, false, math.MinInt64, false},
			{1, 5, false, 5, false},
			{1, 5, true, 10, false},
			{1, 5, false, 10, false}, // returns behind the output: it does not move back
			{0, 11, false, 10, false},
			{1, 12, false, 11, false},
			{0, 11, true, 12, false},
			{1, 12, true, 12, true},
		},
		"the last lane to go idle lets the maximum out": {
			{1, 20, false, math.MinInt64, false},
			{1, 20, true, math.MinInt64, false},
			{0, 10, false, 10, false},
			{0, 10, true, 20, true},
		},
		"a watermark that falls is ignored": {
			{0, 10, false, math.MinInt64, false},
			{1, 10, false, 10, false},
			{0, 3, false, 10, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := NewValve()
			v.Add()
			v.Add()
			for i, s := range steps {
				v.Set(s.lane, s.watermark, s.idle, false)
				if v.Watermark() != s.out || v.Idle() != s.allIdle {
					t.Fatalf("step %d: watermark %d idle %v, want %d %v", i, v.Watermark(), v.Idle(), s.out, s.allIdle)
				}
			}
		})
	}
}

func TestValveEnds(t *testing.T) {
	v := NewValve()
	v.Add()
	v.Add()
	v.Set(0, 5, false, false)
	v.Set(1, 7, false, true)
	if v.Watermark() != 5 || v.Ended() {
		t.Fatalf("watermark %d ended %v after one of two ended, want 5 false", v.Watermark(), v.Ended())
	}
	v.Set(0, 5, false, true)
	if v.Watermark() != math.MaxInt64 || !v.Ended() {
		t.Fatalf("watermark %d ended %v after both ended", v.Watermark(), v.Ended())
	}
}
