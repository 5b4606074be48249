package oracle

import (
	"cmp"
	"math"
	"slices"
)

// Cause says why a partition emitted something.
type Cause uint8

const (
	OnTime   Cause = iota + 1 // the watermark reached the window's MaxTimestamp
	LateFire                  // a record came into a window that the watermark had passed
	LateData                  // a record that no window took
)

func (c Cause) String() string {
	return [...]string{"none", "on-time", "late-fire", "late-data"}[c]
}

// Emission is one thing that a partition emits: a pane of a window, or a late record.
type Emission struct {
	Cause Cause
	// At is the offset of the record behind it: for OnTime the one that raised the watermark so far, or the partition's length at the end of input;
	// else the record that came late.
	At  int64
	Key string
	Window
	// Events are the window's, by offset; for LateData the one record.
	Events []Record
	// Replaces are the windows, fired before, whose results this pane supersedes: they were merged into Window or moved to it. By start and end.
	Replaces []Window
	// Origin is the origin watermark that the emission carries to a next stage: for OnTime MaxTimestamp - 1; else the watermark the late record was judged by.
	Origin int64
}

// live is a window that may still take records or still has to fire.
type live struct {
	Result
	pending  bool     // will fire when the clock reaches MaxTimestamp
	fired    bool     // has given a result under its present bounds
	replaces []Window // results to take back with the next pane
}

// Panes lists all that one partition emits under partition-local keys, in order. Everything due at or before a record's origin watermark comes before
// what the record itself causes. The partition must be one of the log's.
func Panes(log Log, partition int, p Params) ([]Emission, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	s := &replay{params: p, keys: map[string][]*live{}, next: math.MaxInt64}
	for r := range log.Records(p.Bound) {
		if r.Partition != partition {
			continue
		}
		s.process(r)
		s.advance(p.clock(max(r.Origin, Sub(r.Timestamp, p.Bound+1))), r.Offset)
	}
	s.advance(math.MaxInt64, int64(len(log[partition])))
	return s.out, nil
}

// replay is the state of one partition.
type replay struct {
	params  Params
	keys    map[string][]*live // not yet cleaned up, or to be dropped when the key is next seen
	pending []*live
	next    int64 // no pending window is due before
	out     []Emission
}

// advance fires what is due at this clock, by MaxTimestamp, key and start.
func (s *replay) advance(clock, at int64) {
	if clock < s.next {
		return
	}
	var due, rest []*live
	s.next = math.MaxInt64
	for _, w := range s.pending {
		switch {
		case !w.pending: // merged away
		case w.MaxTimestamp() <= clock:
			due = append(due, w)
		default:
			rest = append(rest, w)
			s.next = min(s.next, w.MaxTimestamp())
		}
	}
	s.pending = rest
	slices.SortFunc(due, func(a, b *live) int {
		return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Start, b.Start))
	})
	for _, w := range due {
		w.pending = false
		s.fire(w, OnTime, at, w.MaxTimestamp()-1)
	}
}

func (s *replay) fire(w *live, cause Cause, at, origin int64) {
	slices.SortFunc(w.replaces, func(a, b Window) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	s.out = append(s.out, Emission{cause, at, w.Key, w.Window, slices.Clone(w.Events), w.replaces, origin})
	w.fired, w.replaces = true, nil
}

func (s *replay) process(r Record) {
	clock := s.params.clock(r.Origin)
	windows := slices.DeleteFunc(s.keys[r.Key], func(w *live) bool { return !s.params.open(w.Window, clock) })
	assigned := s.params.assign(r.Timestamp)
	var into []*live
	for _, own := range assigned {
		if s.params.Strict && s.params.refused(r) {
			break
		}
		var w *live
		if s.params.Gap > 0 {
			windows, w = merge(windows, own, r.Key)
		} else {
			windows, w = find(windows, own, r.Key)
		}
		if s.params.open(w.Window, clock) {
			into = append(into, w)
		} else {
			windows = slices.DeleteFunc(windows, func(o *live) bool { return o == w })
		}
	}
	s.keys[r.Key] = windows
	for _, w := range into {
		w.Events = append(w.Events, r)
		slices.SortFunc(w.Events, byPosition)
		if w.MaxTimestamp() <= clock {
			s.fire(w, LateFire, r.Offset, clock)
		} else if !w.pending {
			w.pending = true
			s.pending = append(s.pending, w)
			s.next = min(s.next, w.MaxTimestamp())
		}
	}
	if len(into) == 0 && len(assigned) > 0 {
		s.out = append(s.out, Emission{LateData, r.Offset, r.Key, Window{}, []Record{r}, nil, clock})
	}
}

// find returns the window own of the key, new if it is not there.
func find(windows []*live, own Window, key string) ([]*live, *live) {
	for _, w := range windows {
		if w.Window == own {
			return windows, w
		}
	}
	w := &live{Result: Result{Key: key, Window: own}}
	return append(windows, w), w
}

// merge replaces the windows that own touches by their cover. A window that only takes own in stays itself; one that has fired and changes its bounds
// leaves a result to take back.
func merge(windows []*live, own Window, key string) (apart []*live, into *live) {
	into = &live{Result: Result{Key: key, Window: own}}
	var touched []*live
	for _, w := range windows {
		if w.touches(own) {
			touched = append(touched, w)
			into.Window = into.cover(w.Window)
		} else {
			apart = append(apart, w)
		}
	}
	if len(touched) == 1 && touched[0].Window == into.Window {
		return append(apart, touched[0]), touched[0]
	}
	for _, w := range touched {
		into.Events = append(into.Events, w.Events...)
		into.replaces = append(into.replaces, w.replaces...)
		if w.fired {
			into.replaces = append(into.replaces, w.Window)
		}
		w.pending = false
	}
	return append(apart, into), into
}
