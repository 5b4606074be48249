package progress

import (
	"slices"
	"time"
)

// Point is a moment of a job. Counts are totals since the history began and go on over restarts of the job and of the process.
type Point struct {
	At          int64   `json:"t"`             // milliseconds since the Unix epoch
	Run         int     `json:"run,omitempty"` // counts the processes that wrote the history; between runs nobody watched
	Events      int64   `json:"events"`
	Bytes       int64   `json:"bytes,omitempty"` // as the source read them
	Rows        int64   `json:"rows,omitempty"`  // taken by sinks
	Live        float64 `json:"live,omitempty"`  // growth of the log's ends per second, of late; 0 also where it is not known
	Read        int64   `json:"read,omitempty"`  // positions passed since the splits' starts
	Total       int64   `json:"total,omitempty"` // positions from the starts to the stops, or to the log's ends; 0 where that is not known
	EventTime   int64   `json:"time,omitempty"`  // watermark in milliseconds; 0 before it is known and after the end of input
	Late        int64   `json:"late,omitempty"`
	Quarantined int64   `json:"quarantined,omitempty"`
	Checkpoints int64   `json:"checkpoints,omitempty"`
	Busy        int64   `json:"busy,omitempty"` // milliseconds, of all tasks together
	Idle        int64   `json:"idle,omitempty"`
	Blocked     int64   `json:"blocked,omitempty"`
	Paused      int64   `json:"paused,omitempty"`
	Latency     float64 `json:"latency,omitempty"` // mean milliseconds of a sink's write, of late
}

// Time is when the moment was.
func (p Point) Time() time.Time { return time.UnixMilli(p.At) }

// Mark is something that happened to a job.
type Mark struct {
	At   int64    `json:"t"` // milliseconds since the Unix epoch
	Kind MarkKind `json:"mark"`
	Note string   `json:"note,omitempty"`
}

// MarkKind says what happened.
type MarkKind string

// The kinds of marks.
const (
	Started   MarkKind = "started"
	CaughtUp  MarkKind = "caught up" // for the first time, all that was in the log had been read
	Restarted MarkKind = "restarted" // the job failed and went on from its last checkpoint
	Changed   MarkKind = "changed"   // somebody changed a setting; the note says which
	Ended     MarkKind = "ended"     // of bounded input
	Stopped   MarkKind = "stopped"
	Failed    MarkKind = "failed"
)

// History is a job over time. Points and Marks are in the order of time.
type History struct {
	Name   string
	Starts map[string]int64 // the position at which each split's way began, by "OPERATOR/SPLIT": done is counted from there, also after a restart
	Points []Point
	Marks  []Mark
}

// Begin and End are the first and last moment; the zero time where there are no points.
func (h History) Begin() time.Time {
	if len(h.Points) == 0 {
		return time.Time{}
	}
	return h.Points[0].Time()
}

// End is the last moment, the zero time where there is none.
func (h History) End() time.Time {
	if len(h.Points) == 0 {
		return time.Time{}
	}
	return h.Points[len(h.Points)-1].Time()
}

// LastRun is the part of the history that its last process wrote, with its marks.
func (h History) LastRun() History {
	if len(h.Points) == 0 {
		return h
	}
	last := h.Points[len(h.Points)-1].Run
	from := slices.IndexFunc(h.Points, func(p Point) bool { return p.Run == last })
	out := History{Name: h.Name, Points: h.Points[from:]}
	for _, m := range h.Marks {
		if m.At >= out.Points[0].At {
			out.Marks = append(out.Marks, m)
		}
	}
	return out
}

// Bounds of a history.
const (
	recentPoints = 1200 // at full resolution
	oldPoints    = 1200 // the most before these
	mostMarks    = 200
)

// series keeps a bounded number of points: all of the latest, and of the time before them ever fewer. The zero value is ready.
type series struct {
	old    []Point
	recent []Point
	stride int64 // least milliseconds between old points
}

// add appends a point. One that is not later than the last is passed over: the wall clock was set back.
func (s *series) add(p Point) {
	if n := len(s.recent); n > 0 && p.At <= s.recent[n-1].At {
		return
	}
	s.recent = append(s.recent, p)
	if len(s.recent) <= recentPoints {
		return
	}
	s.age(s.recent[0])
	s.recent = s.recent[1:]
	if len(s.old) > oldPoints {
		s.stride = max(2*s.stride, 2*s.span()/oldPoints)
		all := s.old
		s.old = s.old[:0]
		for _, q := range all {
			s.age(q)
		}
	}
}

// age takes a point that is no longer recent, unless it is too close to the one before.
func (s *series) age(p Point) {
	n := len(s.old)
	if n == 0 || p.At-s.old[n-1].At >= s.stride || p.Run != s.old[n-1].Run {
		s.old = append(s.old, p)
	}
}

func (s *series) span() int64 { return s.old[len(s.old)-1].At - s.old[0].At }

// points are all, in an array of their own.
func (s *series) points() []Point { return slices.Concat(s.old, s.recent) }

// last is the latest point.
func (s *series) last() (Point, bool) {
	if len(s.recent) == 0 {
		return Point{}, false
	}
	return s.recent[len(s.recent)-1], true
}

// before is the latest recent point that is at least so old, or else the oldest of the same run.
func (s *series) before(age time.Duration) (Point, bool) {
	last, ok := s.last()
	if !ok {
		return Point{}, false
	}
	found := last
	for i := len(s.recent) - 1; i >= 0 && s.recent[i].Run == last.Run; i-- {
		found = s.recent[i]
		if last.At-found.At >= age.Milliseconds() {
			break
		}
	}
	return found, true
}
