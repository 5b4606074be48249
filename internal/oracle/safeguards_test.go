package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A property says what is wrong with a log under a job, "" if nothing. It tries every schedule, or so many random ones if there are more.
type property func(log Log, p Params, r rules, schedules int, rng *rand.Rand) string

const (
	searchSchedules = 12   // of each random log
	proofSchedules  = 1000 // of a log to be shown
	searchLogs      = 20_000
)

// differs makes a property: outcome is the same under every schedule.
func differs(outcome func(*model) string) property {
	return func(log Log, p Params, r rules, schedules int, rng *rand.Rand) string {
		in := lanes(log, p.Bound, func() bool { return true })
		first := ""
		for schedule := range interleavings(in, schedules, rng) {
			m := newModel(p, r, len(in))
			m.run(in, schedule)
			got := outcome(m)
			if first == "" {
				first = got
			} else if got != first {
				return first + " or " + got
			}
		}
		return ""
	}
}

var (
	tableDiffers = differs(func(m *model) string { return fmt.Sprint(bounds(m.table.Results), " late ", len(m.table.Late)) })
	panesDiffer  = differs(func(m *model) string {
		s := ""
		for _, e := range m.panes() {
			s += fmt.Sprintf(" %s %s [%d,%d) x%d,", e.Key, e.Cause, e.Start, e.End, len(e.Events))
		}
		return s
	})
)

// notBatch is the property that a log without late records gives the sessions of a batch computation.
func notBatch(log Log, p Params, r rules, schedules int, rng *rand.Rand) string {
	log = onTime(log, p.Bound)
	in := lanes(log, p.Bound, func() bool { return true })
	want := batchSessions(log, p.Gap)
	for schedule := range interleavings(in, schedules, rng) {
		m := newModel(p, r, len(in))
		m.run(in, schedule)
		if got := bounds(m.table.Results); !slices.Equal(got, want) || m.table.Late != nil {
			return fmt.Sprintf("%v, a batch computation gives %v", got, want)
		}
	}
	return ""
}

func processDiffers(log Log, p Params, r rules, schedules int, rng *rand.Rand) string {
	in := lanes(log, p.Bound, func() bool { return true })
	first := ""
	for schedule := range interleavings(in, schedules, rng) {
		got := fmt.Sprintf("%q", newProcessModel(len(in), r.recordsFirst).run(in, schedule))
		if first == "" {
			first = got
		} else if got != first {
			return first + " or " + got
		}
	}
	return ""
}

// TestSafeguards takes each safeguard away and expects a log that shows what it is for, and that the safeguard mends.
func TestSafeguards(t *testing.T) {
	session := func(strict bool) func(*rand.Rand) Params {
		return func(rng *rand.Rand) Params {
			p := tinySession(rng)
			p.Strict = strict
			return p
		}
	}
	tumbling := func(rng *rand.Rand) Params {
		p := tinySession(rng)
		p.Gap, p.Size = 0, 3
		return p
	}
	for _, c := range []struct {
		name     string
		params   func(*rand.Rand) Params
		oneSplit bool // all records of a key are in one partition
		broken   property
		without  rules // the safeguard
		with     rules
	}{
		{"sessions judged by the operator's watermark", session(false), true, tableDiffers, rules{operatorClock: true}, rules{}},
		{"tumbling windows judged by the operator's watermark", tumbling, false, tableDiffers, rules{operatorClock: true}, rules{}},
		{"sessions that run at the watermark", session(false), true, notBatch, rules{noShift: true}, rules{}},
		{"merging with closed windows", session(false), true, tableDiffers, rules{mergeClosed: true}, rules{}},
		{"panes with records before timers", session(false), true, panesDiffer, rules{oneSplitPerKey: true, recordsFirst: true}, rules{oneSplitPerKey: true}},
		{"process function with records before timers", session(false), true, processDiffers, rules{recordsFirst: true}, rules{}},
		{"timers before records where a key has many splits", tumbling, false, tableDiffers, rules{oneSplitPerKey: true}, rules{}},
		{"strict lateness by the sessions' clock", session(true), false, tableDiffers, rules{strictShifted: true}, rules{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 0))
			log, p := counterexample(t, rng, c.params, c.oneSplit, func(log Log, p Params, schedules int) bool {
				return c.broken(log, p, c.without, schedules, rng) != ""
			})
			t.Logf("%+v,%s: %s", p, show(log), c.broken(log, p, c.without, proofSchedules, rng))
			if wrong := c.broken(log, p, c.with, proofSchedules, rng); wrong != "" {
				t.Errorf("with the safeguard still %s", wrong)
			}
		})
	}
	t.Run("sessions of a key in many splits without strict lateness", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 0))
		log, p := counterexample(t, rng, session(false), false, func(log Log, p Params, schedules int) bool {
			return tableDiffers(log, p, rules{}, schedules, rng) != ""
		})
		t.Logf("%+v,%s: %s", p, show(log), tableDiffers(log, p, rules{}, proofSchedules, rng))
		p.Strict = true
		if wrong := tableDiffers(log, p, rules{}, proofSchedules, rng); wrong != "" {
			t.Errorf("with strict lateness still %s", wrong)
		}
	})
}

// counterexample searches random logs from small to large and makes the first that is broken smaller as long as it stays so.
func counterexample(t *testing.T, rng *rand.Rand, params func(*rand.Rand) Params, oneSplit bool, broken func(Log, Params, int) bool) (Log, Params) {
	t.Helper()
	for records := 2; records <= 5; records++ {
		for range searchLogs {
			log, p := tinyLog(rng, records, 6, oneSplit), params(rng)
			if broken(log, p, searchSchedules) {
				return shrink(log, p, broken)
			}
		}
	}
	t.Fatal("no counterexample found: either the safeguard is not needed or the model does not see what it is for")
	return nil, Params{}
}

func shrink(log Log, p Params, broken func(Log, Params, int) bool) (Log, Params) {
	for {
		next, q := smaller(log, p, broken)
		if next == nil {
			return log, p
		}
		log, p = next, q
	}
}

// smaller returns a broken neighbour of a broken log: without a partition or a record, with an earlier one, or with a smaller parameter; nil if there is none.
func smaller(log Log, p Params, broken func(Log, Params, int) bool) (Log, Params) {
	for _, q := range []Params{{p.Gap, p.Size, p.Slide, p.Offset, p.Bound - 1, p.Lateness, p.Strict}, {p.Gap, p.Size, p.Slide, p.Offset, p.Bound, p.Lateness - 1, p.Strict}} {
		if min(q.Bound, q.Lateness) >= 0 && broken(log, q, proofSchedules) {
			return log, q
		}
	}
	for i, events := range log {
		if len(events) == 0 && len(log) > 1 {
			if next := slices.Delete(slices.Clone(log), i, i+1); broken(next, p, proofSchedules) {
				return next, p
			}
		}
		for j, e := range events {
			next := slices.Clone(log)
			next[i] = slices.Delete(slices.Clone(events), j, j+1)
			if broken(next, p, proofSchedules) {
				return next, p
			}
			if e.Timestamp > 0 {
				next[i] = slices.Clone(events)
				next[i][j].Timestamp--
				if broken(next, p, proofSchedules) {
					return next, p
				}
			}
		}
	}
	return nil, p
}
