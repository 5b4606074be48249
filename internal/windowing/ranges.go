package windowing

import (
	"slices"

	"github.com/millrace/millrace/internal/flow"
)

// Range is where the records of a window stand in one split. A record that is taken back makes Count smaller and leaves First and Last.
type Range struct {
	Split       int32 // number in the run's table; flow.NoSplit for records whose place is not known
	First, Last int64 // offsets, both inclusive; 0 where the place is not known
	Count       int64 // records of the window there; other records may lie between them
}

// ranges are the places of a window's records, one Range a split, by its number. Nearly always that is one split, so it is kept in the same object.
type ranges struct {
	list []Range
	one  [1]Range
}

func (r *ranges) find(split int32) (int, bool) {
	for i := range r.list {
		if r.list[i].Split >= split {
			return i, r.list[i].Split == split
		}
	}
	return len(r.list), false
}

// cover takes in what stands at more.
func (r *ranges) cover(more Range) {
	if r.list == nil {
		r.one[0] = more
		r.list = r.one[:]
		return
	}
	i, found := r.find(more.Split)
	if !found {
		r.list = slices.Insert(r.list, i, more)
		return
	}
	l := &r.list[i]
	l.First, l.Last, l.Count = min(l.First, more.First), max(l.Last, more.Last), l.Count+more.Count
}

// takeBack removes a record; a split that has none left is forgotten.
func (r *ranges) takeBack(split int32) {
	i, found := r.find(split)
	if !found {
		return
	}
	if r.list[i].Count--; r.list[i].Count <= 0 {
		r.list = slices.Delete(r.list, i, i+1)
	}
}

// note remembers where a record stands that was folded into the window.
func (l *live[A]) note(m *flow.Meta) {
	switch {
	case m.Split == flow.NoSplit: // what a window or a timer made stands nowhere
	case !m.Retract:
		if l.from == nil {
			l.from = &ranges{}
		}
		l.from.cover(Range{m.Split, m.Offset, m.Offset, 1})
	case l.from != nil:
		l.from.takeBack(m.Split)
	}
}

// join takes over the places of another window's records.
func (l *live[A]) join(other *live[A]) {
	if other.from == nil {
		return
	}
	if l.from == nil {
		l.from = &ranges{}
	}
	for _, r := range other.from.list {
		l.from.cover(r)
	}
}

// places are the ranges of a window's records, those last whose place is not known: results of windows or timers, or records that came when positions
// were not yet kept. The slice is the window's own where nothing is missing.
func (l *live[A]) places() []Range {
	var list []Range
	known := int64(0)
	if l.from != nil {
		list = l.from.list
		for _, r := range list {
			known += r.Count
		}
	}
	if missing := l.count - known; missing > 0 {
		return append(slices.Clip(list), Range{Split: flow.NoSplit, Count: missing})
	}
	return list
}
