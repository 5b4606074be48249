package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink/version"
)

// rowsShown is how many rows of each version an example shows.
const rowsShown = 8

// overlaps groups the intervals of one owner that overlap, as they come in the order of their starts, and says of each group what happened.
type overlaps struct {
	reasons    *Reasons
	start, end int // columns
	owner      int // the columns before it in the key say whose intervals they are
	example    func(Example)

	group
}

// group is the intervals that belong together so far. Only the rows that an example shows are kept.
type group struct {
	old, new   int64
	olds, news [][]version.Value
	until      int64 // the latest end
}

func newOverlaps(r *Report, i Intervals, example func(Example)) (*overlaps, error) {
	o := &overlaps{start: slices.Index(r.Columns, i.Start), end: slices.Index(r.Columns, i.End), owner: len(r.Key) - 1, example: example}
	if o.start != o.owner {
		return nil, fmt.Errorf("intervals begin at column %s, which must be the last of the key (%s)", i.Start, strings.Join(r.Key, ", "))
	}
	if o.end < 0 {
		return nil, fmt.Errorf("intervals end at column %s, which is not one of both versions", i.End)
	}
	r.Reasons = &Reasons{}
	o.reasons = r.Reasons
	return o, nil
}

// add takes the rows of the next key; one of them may be missing.
func (o *overlaps) add(older, newer []version.Value) error {
	if older != nil {
		if err := o.join(older, &o.group.old, &o.group.olds); err != nil {
			return err
		}
	}
	if newer != nil {
		return o.join(newer, &o.group.new, &o.group.news)
	}
	return nil
}

// join adds a row to the group, or ends the group and begins another.
func (o *overlaps) join(row []version.Value, count *int64, shown *[][]version.Value) error {
	start, okStart := row[o.start].AsInt()
	end, okEnd := row[o.end].AsInt()
	if !okStart || !okEnd || end < start {
		return fmt.Errorf("row %s is not an interval: from %s to %s", shownKey(row, upTo(o.owner+1)), row[o.start], row[o.end])
	}
	if !o.empty() && (!o.sameOwner(row) || start > o.until) {
		o.finish()
	}
	if o.empty() {
		o.until = end
	}
	o.until = max(o.until, end)
	*count++
	if len(*shown) < rowsShown {
		*shown = append(*shown, row)
	}
	return nil
}

func (o *overlaps) empty() bool { return o.group.old == 0 && o.group.new == 0 }

func (o *overlaps) sameOwner(row []version.Value) bool {
	first := append(o.olds[:len(o.olds):len(o.olds)], o.news...)[0]
	return version.CompareKeys(first, row, upTo(o.owner)) == 0
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// finish says what became of the group, and begins an empty one.
func (o *overlaps) finish() {
	g, r := o.group, o.reasons
	reason := Regrouped
	switch {
	case g.old == 1 && g.new == 1 && same(g.olds[0], g.news[0]):
		r.Identical++
		o.group = group{}
		return
	case g.old == 1 && g.new == 1 && g.olds[0][o.start] == g.news[0][o.start] && g.olds[0][o.end] == g.news[0][o.end]:
		reason = Content
		r.Content++
	case g.old == 1 && g.new == 1:
		reason = Moved
		r.Moved++
	case g.new == 0:
		reason = Vanished
		r.Vanished += g.old
	case g.old == 0:
		reason = Appeared
		r.Appeared += g.new
	case g.old == 1:
		reason = Split
		r.Split++
		r.SplitInto += g.new
	case g.new == 1:
		reason = Merged
		r.Merged += g.old
		r.MergedInto++
	default:
		r.Regrouped += g.old
		r.RegroupedInto += g.new
	}
	o.example(Example{Reason: reason, Old: g.olds, New: g.news, More: g.old + g.new - int64(len(g.olds)+len(g.news))})
	o.group = group{}
}

// close ends the last group.
func (o *overlaps) close() {
	if !o.empty() {
		o.finish()
	}
}
