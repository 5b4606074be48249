package oracle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// processModel is a keyed process function with state and event-time timers behind an exchange that declares one split per key: it counts, says how
// many it has seen at each record, and sets timers before and after the record; a timer says the count, halves it and may set another.
type processModel struct {
	recordsFirst bool // takes away the safeguard: timers fire only for a watermark that arrives
	heads        []int64
	clock        int64
	counts       map[string]int
	timers       map[string]map[int64]int64 // key, time: origin watermark that counts for the output
	out          map[string][]string
}

func newProcessModel(lanes int, recordsFirst bool) *processModel {
	return &processModel{recordsFirst, slices.Repeat([]int64{math.MinInt64}, lanes), math.MinInt64, map[string]int{}, map[string]map[int64]int64{}, map[string][]string{}}
}

func (m *processModel) run(lanes [][]element, schedule []int) map[string][]string {
	next := make([]int, len(lanes))
	for _, lane := range schedule {
		e := lanes[lane][next[lane]]
		next[lane]++
		if e.record != nil {
			m.onRecord(*e.record)
			continue
		}
		m.heads[lane] = e.watermark
		m.clock = slices.Min(m.heads)
		for key := range m.timers {
			m.advance(key, m.clock)
		}
	}
	return m.out
}

func (m *processModel) onRecord(r Record) {
	if !m.recordsFirst {
		m.advance(r.Key, r.Origin)
	}
	m.counts[r.Key]++
	m.out[r.Key] = append(m.out[r.Key], fmt.Sprintf("record %d of offset %d: %d, origin %d", r.Timestamp, r.Offset, m.counts[r.Key], r.Origin))
	m.set(r.Key, r.Timestamp+2, r.Origin)
	m.set(r.Key, r.Timestamp-1, r.Origin)
}

// set keeps one timer for a key and time; the output carries max(time - 1, origin watermark of what set it first).
func (m *processModel) set(key string, at, origin int64) {
	if m.timers[key] == nil {
		m.timers[key] = map[int64]int64{}
	}
	if _, ok := m.timers[key][at]; !ok {
		m.timers[key][at] = max(at-1, origin)
	}
}

func (m *processModel) advance(key string, clock int64) {
	for {
		first := int64(math.MaxInt64)
		for at := range m.timers[key] {
			first = min(first, at)
		}
		if first > clock || first == math.MaxInt64 {
			return
		}
		origin := m.timers[key][first]
		delete(m.timers[key], first)
		m.out[key] = append(m.out[key], fmt.Sprintf("timer %d: %d, origin %d", first, m.counts[key], origin))
		m.counts[key] /= 2
		if first%3 == 0 {
			m.set(key, first+1, origin)
			m.set(key, first-2, origin)
		}
	}
}

// local runs each lane alone, as partition-local tasks.
func (m *processModel) local(in [][]element) map[string][]string {
	out := map[string][]string{}
	for _, lane := range in {
		for key, lines := range newProcessModel(1, m.recordsFirst).run([][]element{lane}, make([]int, len(lane))) {
			out[key] = append(out[key], lines...)
		}
	}
	return out
}

func TestProcessFunctionIsAFunctionOfTheLog(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	for range 1000 * modelFactor(t) {
		log := tinyLog(rng, 1+rng.IntN(9), 12, true)
		in := lanes(log, rng.Int64N(3), func() bool { return rng.IntN(2) == 0 })
		want := newProcessModel(0, false).local(in)
		for schedule := range interleavings(in, 5, rng) {
			if got := newProcessModel(len(in), false).run(in, schedule); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s, schedule %v: %q, want %q", show(log), schedule, got, want)
			}
		}
	}
}
