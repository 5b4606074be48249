package oracle

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
)

// modelFactor is how much longer than usual the model is run: MILLRACE_MODEL, 1 if unset.
func modelFactor(t *testing.T) int {
	s := os.Getenv("MILLRACE_MODEL")
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("MILLRACE_MODEL=%q is not a positive number", s)
	}
	return n
}

// check runs the model under many schedules and reports where it breaks a promise.
func check(log Log, p Params, r rules, limit int, rng *rand.Rand) (runs int, err error) {
	want, err := Final(log, p)
	if err != nil {
		return 0, err
	}
	wantPanes := map[string][]Emission{}
	if r.oneSplitPerKey {
		for partition := range log {
			panes, err := Panes(log, partition, p)
			if err != nil {
				return 0, err
			}
			for _, e := range panes {
				e.At = 0
				wantPanes[e.Key] = append(wantPanes[e.Key], e)
			}
		}
	}
	every := rng.IntN(3) > 0
	in := lanes(log, p.Bound, func() bool { return every || rng.IntN(2) == 0 })
	for schedule := range interleavings(in, limit, rng) {
		runs++
		m := newModel(p, r, len(in))
		m.run(in, schedule)
		if err := m.compare(want, wantPanes); err != nil {
			return runs, fmt.Errorf("%+v, %+v,%s, schedule %v: %w", p, r, show(log), schedule, err)
		}
	}
	return runs, nil
}

func (m *model) compare(want Table, wantPanes map[string][]Emission) error {
	if !reflect.DeepEqual(m.table.Results, want.Results) || !reflect.DeepEqual(m.table.Late, want.Late) {
		return fmt.Errorf("windows %v late %v, want %v late %v", m.table.Results, m.table.Late, want.Results, want.Late)
	}
	upserted := upsert(Table{}, m.panes())
	slices.SortFunc(upserted.Results, byKeyAndTime)
	if !reflect.DeepEqual(upserted.Results, want.Results) {
		return fmt.Errorf("panes end in %v, want %v", upserted.Results, want.Results)
	}
	if m.rules.oneSplitPerKey && !reflect.DeepEqual(m.out, wantPanes) {
		return fmt.Errorf("panes %v, want %v", m.out, wantPanes)
	}
	return nil
}

// TestPromises runs random logs under random schedules, and small ones under every schedule.
func TestPromises(t *testing.T) {
	for _, c := range []struct {
		name        string
		logs, limit int
		records     int
	}{
		{"every schedule of small logs", 150, 10_000, 4},
		{"random schedules", 8_000, 6, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(c.records)))
			runs := 0
			for range c.logs * modelFactor(t) {
				p := tinyParams(rng)
				r := rules{oneSplitPerKey: rng.IntN(2) == 0, onlyForLate: rng.IntN(2) == 0}
				oneSplit := r.oneSplitPerKey || p.Gap > 0 && !p.Strict
				n, err := check(tinyLog(rng, 1+rng.IntN(c.records), 12, oneSplit), p, r, c.limit, rng)
				if err != nil {
					t.Fatal(err)
				}
				runs += n
			}
			t.Logf("%d runs", runs)
		})
	}
}

// TestPanesEndInFinal holds the two oracles against each other on random logs.
func TestPanesEndInFinal(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for range 3000 * modelFactor(t) {
		panesMatchFinal(t, tinyLog(rng, 1+rng.IntN(10), 12, true), tinyParams(rng))
	}
}

// TestOnTimeLogsGiveBatchSessions is what the sessions' millisecond is for.
func TestOnTimeLogsGiveBatchSessions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for range 3000 * modelFactor(t) {
		p := tinySession(rng)
		log := onTime(tinyLog(rng, 1+rng.IntN(10), 12, true), p.Bound)
		table, err := Final(log, p)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := bounds(table.Results), batchSessions(log, p.Gap); !slices.Equal(got, want) || table.Late != nil {
			t.Fatalf("%+v%s: sessions %v late %v, want %v", p, show(log), got, table.Late, want)
		}
	}
}

// onTime is the log without records at or below their origin watermark.
func onTime(log Log, bound int64) Log {
	kept := make(Log, len(log))
	for r := range log.Records(bound) {
		if r.Timestamp > r.Origin {
			kept[r.Partition] = append(kept[r.Partition], r.Event)
		}
	}
	return kept
}

// batchSessions sorts the events and cuts where two are more than gap apart: no watermark, no windows. Sessions are "key first-last xEvents".
func batchSessions(log Log, gap int64) []string {
	byKey := map[string][]int64{}
	for r := range log.Records(0) {
		byKey[r.Key] = append(byKey[r.Key], r.Timestamp)
	}
	var out []string
	for key, times := range byKey {
		slices.Sort(times)
		for from := 0; from < len(times); {
			to := from + 1
			for to < len(times) && times[to]-times[to-1] <= gap {
				to++
			}
			out = append(out, fmt.Sprintf("%s %d-%d x%d", key, times[from], times[to-1], to-from))
			from = to
		}
	}
	slices.Sort(out)
	return out
}

// bounds are results in the form of batchSessions.
func bounds(results []Result) []string {
	var out []string
	for _, r := range results {
		row := Session(r.Key, r.Events)
		out = append(out, fmt.Sprintf("%s %d-%d x%d", r.Key, row.Start, row.End, row.Events))
	}
	slices.Sort(out)
	return out
}

// TestLateFiringCarriesTheSessionsClock: results of late firings must pass a next stage of the same lateness, so for sessions they carry the record's
// origin watermark less the millisecond.
func TestLateFiringCarriesTheSessionsClock(t *testing.T) {
	panes, err := Panes(script("w", 6, "k", 1), 0, Params{Gap: 2, Lateness: 3})
	if err != nil {
		t.Fatal(err)
	}
	// The first pane is k's: [1,3), late at origin watermark 5.
	if e := panes[0]; e.Cause != LateFire || e.Origin != 4 || Add(e.MaxTimestamp(), 3) <= e.Origin || Add(e.MaxTimestamp(), 3) > 5 {
		t.Errorf("first emission is %+v", e)
	}
}
