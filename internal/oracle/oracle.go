package oracle

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ErrManySplits is returned by Final for sessions of a key whose records come from more than one partition, unless Params.Strict is set: which
// sessions are closed to a record then depends on how the partitions interleave, so there is no one answer.
var ErrManySplits = errors.New("oracle: sessions of a key in several partitions are a function of the log only with Strict")

// Result is the last pane of a window.
type Result struct {
	Key string
	Window
	Events []Record // never empty; by partition and offset
}

// Table is what remains of a job when its input has ended.
type Table struct {
	Results []Result // by key bytes, start, end; superseded results are not among them
	Late    []Record // records that no window took, by partition and offset; a record that belongs to no window at all is not late
	Refused int      // records that the strict rule refuses, or would if it were on
}

// Final computes the last pane of every window and the late records of a job over the whole log.
func Final(log Log, p Params) (Table, error) {
	if err := p.validate(); err != nil {
		return Table{}, err
	}
	var table Table
	keys := map[string][]Record{} // each partition's records stay in order
	for r := range log.Records(p.Bound) {
		keys[r.Key] = append(keys[r.Key], r)
		if p.refused(r) {
			table.Refused++
		}
	}
	for key, records := range keys {
		var results []Result
		var late []Record
		if p.Gap > 0 {
			if records[0].Partition != records[len(records)-1].Partition && !p.Strict {
				return Table{}, fmt.Errorf("key %q in partitions %d and %d: %w", key, records[0].Partition, records[len(records)-1].Partition, ErrManySplits)
			}
			results, late = sessions(records, p)
		} else {
			results, late = fixed(records, p)
		}
		table.Results = append(table.Results, results...)
		table.Late = append(table.Late, late...)
	}
	for _, r := range table.Results {
		slices.SortFunc(r.Events, byPosition)
	}
	slices.SortFunc(table.Results, byKeyAndTime)
	slices.SortFunc(table.Late, byPosition)
	return table, nil
}

// sessions computes the session windows of one key. A record merges with all windows it touches that are open to it; if what comes out is open it is
// taken. Windows closed to a record stay as they are.
func sessions(records []Record, p Params) (windows []Result, late []Record) {
	for _, r := range records {
		if p.Strict && p.refused(r) {
			late = append(late, r)
			continue
		}
		clock := p.clock(r.Origin)
		own := p.assign(r.Timestamp)[0]
		merged := Result{r.Key, own, []Record{r}}
		var apart []Result
		for _, w := range windows {
			if w.touches(own) && p.open(w.Window, clock) {
				merged = Result{r.Key, w.cover(merged.Window), append(w.Events, merged.Events...)}
			} else {
				apart = append(apart, w)
			}
		}
		if p.open(merged.Window, clock) {
			windows = append(apart, merged)
		} else {
			late = append(late, r)
		}
	}
	return windows, late
}

// fixed computes the tumbling or sliding windows of one key.
func fixed(records []Record, p Params) (results []Result, late []Record) {
	windows := map[Window][]Record{}
	for _, r := range records {
		assigned := p.assign(r.Timestamp)
		taken := false
		for _, w := range assigned {
			if p.open(w, p.clock(r.Origin)) && !(p.Strict && p.refused(r)) {
				windows[w] = append(windows[w], r)
				taken = true
			}
		}
		if !taken && len(assigned) > 0 {
			late = append(late, r)
		}
	}
	for w, events := range windows {
		results = append(results, Result{events[0].Key, w, events})
	}
	return results, late
}

func byPosition(a, b Record) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
}

func byKeyAndTime(a, b Result) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
}
