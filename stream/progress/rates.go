package progress

import "time"

// Rate is what happened in a span of time, per second.
type Rate struct {
	At     time.Time // the end of the span
	Span   time.Duration
	Events float64
	Bytes  float64
	Rows   float64
	Live   float64 // growth of the log; 0 also where it is not known
	Done   float64 // 0 to 1; -1 where it is not known
	Lag    int64   // positions still to read; -1 where that is not known
	// Busy, Idle, Blocked and Paused are shares of the tasks' time, 0 to 1, all 0 where it is not known.
	Busy, Idle, Blocked, Paused float64
	Latency                     float64 // milliseconds of a sink's write
	EventTime                   time.Time
	Gap                         bool // nobody watched between the rate before and this one
}

// Rates are the history in spans of at least so long; a span of zero takes each pair of points. A first Rate of zero stands at the beginning of each run.
func (h History) Rates(span time.Duration) []Rate {
	var out []Rate
	var from, before int // the points that this span and the one before it begin with
	for i, p := range h.Points {
		first := i == 0 || p.Run != h.Points[i-1].Run
		if first {
			from, before = i, i
			r := between(p, p)
			r.Gap = i > 0
			out = append(out, r)
			continue
		}
		final := i == len(h.Points)-1 || h.Points[i+1].Run != p.Run
		took := p.At - h.Points[from].At
		if took < span.Milliseconds() && !final {
			continue
		}
		if final && took < span.Milliseconds()/2 && before != from { // what little is left goes with the span before it
			from, out = before, out[:len(out)-1]
		}
		r := between(h.Points[from], p)
		out = append(out, r)
		before, from = from, i
	}
	return out
}

// between is the rate from one point to a later one of the same run.
func between(a, b Point) Rate {
	r := Rate{At: b.Time(), Span: time.Duration(b.At-a.At) * time.Millisecond, Done: -1, Lag: -1, Live: b.Live, Latency: b.Latency}
	if b.Total > 0 {
		r.Done, r.Lag = share(b.Read, b.Total), max(0, b.Total-b.Read)
	}
	if b.EventTime != 0 {
		r.EventTime = time.UnixMilli(b.EventTime)
	}
	if s := r.Span.Seconds(); s > 0 {
		r.Events, r.Bytes, r.Rows = float64(b.Events-a.Events)/s, float64(b.Bytes-a.Bytes)/s, float64(b.Rows-a.Rows)/s
	}
	busy, idle, blocked, paused := b.Busy-a.Busy, b.Idle-a.Idle, b.Blocked-a.Blocked, b.Paused-a.Paused
	if all := float64(busy + idle + blocked + paused); all > 0 {
		r.Busy, r.Idle, r.Blocked, r.Paused = float64(busy)/all, float64(idle)/all, float64(blocked)/all, float64(paused)/all
	}
	return r
}

func share(part, whole int64) float64 {
	if whole <= 0 {
		return -1
	}
	return min(1, max(0, float64(part)/float64(whole)))
}
