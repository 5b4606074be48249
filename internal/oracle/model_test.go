package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// The model is a window operator behind an exchange, as small as it can be: lanes of records and watermarks, one for each partition, that a schedule
// interleaves; windows with timers; the operator's watermark is the lanes' minimum.

// rules are how the model treats time. The zero value is an ordinary exchange that does all as it should.
type rules struct {
	oneSplitPerKey bool // what is due at a record's origin watermark fires for its key before the record
	onlyForLate    bool // it does so only for records at or below their origin watermark: enough for windows

	// Each of these takes one safeguard away.
	operatorClock bool // judge records by the operator's watermark, not by their origin watermark
	noShift       bool // sessions use watermarks as they are
	mergeClosed   bool // sessions merge with all windows not yet cleaned up
	recordsFirst  bool // despite oneSplitPerKey, only a watermark that arrives fires
	strictShifted bool // the strict rule uses the sessions' clock
}

// element is what a lane holds: a record, or a watermark if record is nil.
type element struct {
	record    *Record
	watermark int64
}

// lanes turns a log into what its partitions send. send says whether the watermark after a record is sent at once or left to the next.
func lanes(log Log, bound int64, send func() bool) [][]element {
	lanes := make([][]element, len(log))
	for r := range log.Records(bound) {
		lanes[r.Partition] = append(lanes[r.Partition], element{record: &r})
		if after := max(r.Origin, Sub(r.Timestamp, bound+1)); send() {
			lanes[r.Partition] = append(lanes[r.Partition], element{watermark: after})
		}
	}
	for i := range lanes {
		lanes[i] = append(lanes[i], element{watermark: math.MaxInt64})
	}
	return lanes
}

// model is one run. What it emits is kept by key, in order.
type model struct {
	p       Params
	rules   rules
	heads   []int64 // the lanes' watermarks
	clock   int64   // the operator's, as p.clock gives it
	windows []*modelWindow
	out     map[string][]Emission
	table   Table // windows as they were when cleaned up
}

type modelWindow struct {
	Result
	timer    bool // set for MaxTimestamp
	fired    bool
	replaces []Window
}

func newModel(p Params, r rules, lanes int) *model {
	return &model{p: p, rules: r, heads: slices.Repeat([]int64{math.MinInt64}, lanes), clock: math.MinInt64, out: map[string][]Emission{}}
}

// run feeds the lanes in the order of the schedule, which names a lane for each element.
func (m *model) run(lanes [][]element, schedule []int) {
	next := make([]int, len(lanes))
	for _, lane := range schedule {
		e := lanes[lane][next[lane]]
		next[lane]++
		if e.record != nil {
			m.onRecord(*e.record)
			continue
		}
		m.heads[lane] = e.watermark
		m.clock = m.shift(slices.Min(m.heads))
		m.advance(m.clock, nil)
	}
	slices.SortFunc(m.table.Results, byKeyAndTime)
	slices.SortFunc(m.table.Late, byPosition)
}

func (m *model) shift(watermark int64) int64 {
	if m.rules.noShift {
		return watermark
	}
	return m.p.clock(watermark)
}

// advance fires and cleans up what is due at this clock, for one key or all, in the order of timers.
func (m *model) advance(clock int64, key *string) {
	for {
		var first *modelWindow
		var at int64
		for _, w := range m.windows {
			due := Add(w.MaxTimestamp(), m.p.Lateness) // cleanup
			if w.timer {
				due = w.MaxTimestamp()
			}
			if due > clock || key != nil && w.Key != *key {
				continue
			}
			if first == nil || cmp.Or(cmp.Compare(due, at), cmp.Compare(w.Key, first.Key), cmp.Compare(w.Start, first.Start)) < 0 {
				first, at = w, due
			}
		}
		switch {
		case first == nil:
			return
		case first.timer:
			first.timer = false
			m.fire(first, OnTime, first.MaxTimestamp()-1)
		default:
			m.drop(first)
			m.table.Results = append(m.table.Results, first.Result)
		}
	}
}

func (m *model) drop(w *modelWindow) {
	m.windows = slices.DeleteFunc(m.windows, func(o *modelWindow) bool { return o == w })
}

func (m *model) fire(w *modelWindow, cause Cause, origin int64) {
	slices.SortFunc(w.Events, byPosition)
	slices.SortFunc(w.replaces, func(a, b Window) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	m.out[w.Key] = append(m.out[w.Key], Emission{Cause: cause, Key: w.Key, Window: w.Window, Events: slices.Clone(w.Events), Replaces: w.replaces, Origin: origin})
	w.fired, w.replaces = true, nil
}

func (m *model) onRecord(r Record) {
	clock := m.shift(r.Origin)
	if m.rules.operatorClock {
		clock = m.clock
	}
	if m.rules.oneSplitPerKey && !m.rules.recordsFirst && (!m.rules.onlyForLate || r.Timestamp <= r.Origin) {
		m.advance(clock, &r.Key)
	}
	var into []*modelWindow
	assigned := m.p.assign(r.Timestamp)
	for _, own := range assigned {
		if m.p.Strict && m.refused(r) {
			break
		}
		if w := m.place(r.Key, own, clock); w != nil {
			into = append(into, w)
		}
	}
	for _, w := range into {
		w.Events = append(w.Events, r)
		if w.MaxTimestamp() <= clock {
			m.fire(w, LateFire, clock)
		} else {
			w.timer = true
		}
	}
	if len(into) == 0 && len(assigned) > 0 {
		m.table.Late = append(m.table.Late, r)
		m.out[r.Key] = append(m.out[r.Key], Emission{Cause: LateData, Key: r.Key, Events: []Record{r}, Origin: clock})
	}
}

func (m *model) refused(r Record) bool {
	if m.rules.strictShifted {
		r.Origin = m.shift(r.Origin)
	}
	return m.p.refused(r)
}

// place finds or makes the window for a record, merging sessions; nil if that window is closed.
func (m *model) place(key string, own Window, clock int64) *modelWindow {
	into := &modelWindow{Result: Result{Key: key, Window: own}}
	var touched []*modelWindow
	for _, w := range m.windows {
		switch {
		case w.Key != key:
		case m.p.Gap == 0:
			if w.Window == own && m.p.open(own, clock) {
				return w
			}
		case w.touches(own) && (m.rules.mergeClosed || m.p.open(w.Window, clock)):
			touched = append(touched, w)
			into.Window = into.cover(w.Window)
		}
	}
	if !m.p.open(into.Window, clock) {
		return nil
	}
	if len(touched) == 1 && touched[0].Window == into.Window {
		return touched[0]
	}
	for _, w := range touched {
		into.Events = append(into.Events, w.Events...)
		into.replaces = append(into.replaces, w.replaces...)
		if w.fired {
			into.replaces = append(into.replaces, w.Window)
		}
		m.drop(w)
	}
	m.windows = append(m.windows, into)
	return into
}

// panes are all emissions, key by key.
func (m *model) panes() []Emission {
	var all []Emission
	for _, key := range slices.Sorted(maps.Keys(m.out)) {
		all = append(all, m.out[key]...)
	}
	return all
}

// interleavings yields every schedule of the lanes, or, if there are more than limit, limit random ones. The slice is reused.
func interleavings(lanes [][]element, limit int, rng *rand.Rand) func(func([]int) bool) {
	return func(yield func([]int) bool) {
		var schedule []int
		count := 1.0
		for lane, elements := range lanes {
			for i := range elements {
				schedule = append(schedule, lane)
				count *= float64(len(schedule)) / float64(i+1)
			}
		}
		if count <= float64(limit) {
			for ok := true; ok; ok = nextPermutation(schedule) {
				if !yield(schedule) {
					return
				}
			}
			return
		}
		for range limit {
			rng.Shuffle(len(schedule), func(i, j int) { schedule[i], schedule[j] = schedule[j], schedule[i] })
			if !yield(schedule) {
				return
			}
		}
	}
}

// nextPermutation puts s into its next order, of those that differ, and reports whether there is one.
func nextPermutation(s []int) bool {
	i := len(s) - 2
	for i >= 0 && s[i] >= s[i+1] {
		i--
	}
	if i < 0 {
		return false
	}
	j := len(s) - 1
	for s[j] <= s[i] {
		j--
	}
	s[i], s[j] = s[j], s[i]
	slices.Reverse(s[i+1:])
	return true
}

// tinyLog makes a log of n records with timestamps from 0 to last. If oneSplit is set, all records of a key are in one partition.
func tinyLog(rng *rand.Rand, n int, last int64, oneSplit bool) Log {
	log := make(Log, 1+rng.IntN(3))
	keys := [...]string{"a", "b", "c", "d"}
	home := [len(keys)]int{rng.IntN(len(log)), rng.IntN(len(log)), rng.IntN(len(log)), rng.IntN(len(log))}
	for range n {
		k := rng.IntN(1 + rng.IntN(len(keys)))
		p := rng.IntN(len(log))
		if oneSplit {
			p = home[k]
		}
		log[p] = append(log[p], Event{Key: keys[k], Timestamp: rng.Int64N(last + 1)})
	}
	return log
}

// tinySession and tinyParams make a job for a tinyLog.
func tinySession(rng *rand.Rand) Params {
	return Params{Gap: 2, Bound: rng.Int64N(3), Lateness: rng.Int64N(4)}
}

func tinyParams(rng *rand.Rand) Params {
	p := tinySession(rng)
	switch rng.IntN(3) {
	case 0:
		p.Gap, p.Size, p.Offset = 0, 3, rng.Int64N(5)-2
	case 1:
		p.Gap, p.Size, p.Slide = 0, 4, 2
	}
	p.Strict = rng.IntN(4) == 0
	return p
}

func show(log Log) string {
	s := ""
	for i, events := range log {
		s += fmt.Sprintf(" partition %d:", i)
		for _, e := range events {
			s += fmt.Sprintf(" %s@%d", e.Key, e.Timestamp)
		}
	}
	return s
}
