package exchange

import "math"

// Valve turns the watermarks of several lanes into one: the minimum over the active lanes, which never moves back.
//
// An idle lane does not count. When the last active lane goes idle while it was the one at the minimum, the output moves to the maximum over all
// lanes and the whole input is idle. A lane that returns from idleness counts again at once, and so holds the output where it is until
// it has caught up.
type Valve struct {
	lanes []laneTime
	out   int64
	idle  bool
}

type laneTime struct {
	watermark   int64
	idle, ended bool
}

// NewValve has no lanes; its output is math.MinInt64.
func NewValve() *Valve { return &Valve{out: math.MinInt64} }

// Add adds an active lane without a watermark and returns its number.
func (v *Valve) Add() int {
	v.lanes = append(v.lanes, laneTime{watermark: math.MinInt64})
	v.idle = false
	return len(v.lanes) - 1
}

// AddIdle adds a lane that has nothing to say yet and does not hold back the others.
func (v *Valve) AddIdle() int {
	v.lanes = append(v.lanes, laneTime{watermark: math.MinInt64, idle: true})
	return len(v.lanes) - 1
}

// Set takes a lane's time and state. A watermark below the lane's last is ignored. An ended lane leaves the minimum; when all have ended the output
// is math.MaxInt64.
func (v *Valve) Set(lane int, watermark int64, idle, ended bool) {
	l := &v.lanes[lane]
	held := !l.idle && !l.ended && l.watermark <= v.out
	moved := watermark > l.watermark || idle != l.idle || ended != l.ended
	if !moved {
		return
	}
	l.watermark = max(l.watermark, watermark)
	l.idle, l.ended = idle, ended
	if !held && !idle && !ended && l.watermark > v.out && !v.idle {
		return // this lane was not the one that held the output
	}
	v.settle(lane)
}

func (v *Valve) settle(lane int) {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	active, open := 0, 0
	for i := range v.lanes {
		l := &v.lanes[i]
		high = max(high, l.watermark)
		if l.ended {
			continue
		}
		open++
		if !l.idle {
			active++
			low = min(low, l.watermark)
		}
	}
	v.idle = active == 0 && open > 0
	switch {
	case open == 0:
		v.out = math.MaxInt64
	case active > 0:
		v.out = max(v.out, low)
	case v.lanes[lane].watermark >= v.out:
		v.out = max(v.out, high)
	}
}

// Watermark is the output; Idle says that no lane is active, though some are open; Ended that none is open.
func (v *Valve) Watermark() int64 { return v.out }
func (v *Valve) Idle() bool       { return v.idle }
func (v *Valve) Ended() bool {
	for i := range v.lanes {
		if !v.lanes[i].ended {
			return false
		}
	}
	return true
}
