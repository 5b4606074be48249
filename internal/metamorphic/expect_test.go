package metamorphic

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
)

// expected is what a plan's job must come to.
type expected struct {
	results, hours map[place]tally
	late           []oracle.Record
	counted        int // events in all results
}

func (p plan) expect(log oracle.Log) (expected, error) {
	table, err := oracle.Final(log, p.Params)
	if err != nil {
		return expected{}, err
	}
	want := expected{results: map[place]tally{}, hours: map[place]tally{}, late: table.Late}
	for _, r := range table.Results {
		t := tallied(r.Events)
		want.results[place{r.Key, r.Start, r.End}] = t
		want.counted += len(r.Events)
		start := (r.End - 1) / hour * hour
		h := place{"all", start, start + hour}
		o := want.hours[h]
		want.hours[h] = tally{Count: o.Count + 1, Sum: o.Sum + t.Sum, Last: o.Last + t.Count}
	}
	if p.Slide == 0 && want.counted+len(want.late) != log.Len() {
		return want, fmt.Errorf("the oracle has %d events in results and %d late, of %d", want.counted, len(want.late), log.Len())
	}
	return want, nil
}

func tallied(events []oracle.Record) (t tally) {
	for _, e := range events {
		t = t.add(one(e.Timestamp, int64(e.Partition), e.Offset))
	}
	return t
}

// check compares what the runs showed with what the log says.
func (p plan) check(log oracle.Log, splits [][]event, out outcome) error {
	once := p.showsOnce() || !out.disturbed // each row comes once
	if p.Function == ticks {
		return p.checkTicks(log, out.results.shown(), once)
	}
	want, err := p.expect(log)
	if err != nil {
		return err
	}
	if err := sameTable("results", want.results, out.results.shown(), once); err != nil {
		return err
	}
	if p.Hourly {
		if err := sameTable("hours", want.hours, out.hours.shown(), once); err != nil {
			return err
		}
	}
	var late []oracle.Record
	for _, r := range out.late.shown() {
		late = append(late, oracle.Record{Event: oracle.Event{Key: r.Value.Key}, Partition: int(r.Value.Part), Offset: r.Value.Offset})
	}
	byPosition := func(a, b oracle.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	}
	if p.Keying == local && once {
		slices.SortStableFunc(late, func(a, b oracle.Record) int { return a.Partition - b.Partition }) // else in order as it is
	} else {
		slices.SortFunc(late, byPosition)
	}
	if !once {
		late = slices.CompactFunc(late, func(a, b oracle.Record) bool { return byPosition(a, b) == 0 })
	}
	for i := range min(len(late), len(want.late)) {
		if byPosition(late[i], want.late[i]) != 0 {
			return fmt.Errorf("late record %d is %d/%d, want %d/%d of %s", i, late[i].Partition, late[i].Offset, want.late[i].Partition, want.late[i].Offset, want.late[i].Key)
		}
	}
	if len(late) != len(want.late) {
		return fmt.Errorf("%d late records, want %d", len(late), len(want.late))
	}
	if p.ordered() && once {
		if err := p.samePanes(log, out.results.shown()); err != nil {
			return err
		}
	}
	if p.Transacted || !out.disturbed {
		return sameJunk(splits, out)
	}
	return nil
}

// sameTable applies rows to a table. Where each row comes once, a deletion must name the row that is there.
func sameTable(what string, want map[place]tally, rows []sink.Row[row], once bool) error {
	got := map[place]tally{}
	for i, r := range rows {
		at := r.Value.place()
		if r.Op == sink.Upsert {
			got[at] = r.Value.tally
			continue
		}
		if t, there := got[at]; once && (!there || t != r.Value.tally) {
			return fmt.Errorf("%s: row %d takes back %+v, there %v is %+v", what, i, r.Value, there, t)
		}
		delete(got, at)
	}
	var wrong []string
	for at, t := range want {
		if g, there := got[at]; !there {
			wrong = append(wrong, fmt.Sprintf("%+v is missing: %+v", at, t))
		} else if g != t {
			wrong = append(wrong, fmt.Sprintf("%+v is %+v, want %+v", at, g, t))
		}
	}
	for at, t := range got {
		if _, there := want[at]; !there {
			wrong = append(wrong, fmt.Sprintf("%+v is too much: %+v", at, t))
		}
	}
	if wrong == nil {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("%s: %d rows, want %d; %d are wrong, among them %q", what, len(got), len(want), len(wrong), wrong[:min(4, len(wrong))])
}

// samePanes compares the sequence of panes: of each partition where keys are local, else of each key.
func (p plan) samePanes(log oracle.Log, rows []sink.Row[row]) error {
	group := func(key string, part int) string {
		if p.Keying == local {
			return fmt.Sprint(part)
		}
		return key
	}
	want, got := map[string][]row{}, map[string][]row{}
	for part := range log {
		panes, err := oracle.Panes(log, part, p.Params)
		if err != nil {
			return err
		}
		for _, e := range panes {
			if e.Cause != oracle.LateData {
				g := group(e.Key, part)
				want[g] = append(want[g], row{e.Key, e.Start, e.End, tallied(e.Events)})
			}
		}
	}
	for _, r := range rows {
		if r.Op == sink.Upsert {
			g := group(r.Value.Key, oracle.Partition(r.Value.Key, len(log)))
			got[g] = append(got[g], r.Value)
		}
	}
	for g := range want {
		for i := range min(len(want[g]), len(got[g])) {
			if want[g][i] != got[g][i] {
				return fmt.Errorf("pane %d of %q is %+v, want %+v", i, g, got[g][i], want[g][i])
			}
		}
		if len(want[g]) != len(got[g]) {
			return fmt.Errorf("%d panes of %q, want %d", len(got[g]), g, len(want[g]))
		}
	}
	return nil
}

// sameJunk checks that nothing that was wrong in the source is lost, in a job that ran undisturbed.
func sameJunk(splits [][]event, out outcome) error {
	var want [farFuture + 1]int
	for _, events := range splits {
		for _, e := range events {
			want[e.junk]++
		}
	}
	if got := len(out.bad.shown()); got != want[unreadable] {
		return fmt.Errorf("%d dead letters, want %d", got, want[unreadable])
	}
	if got := len(out.future.shown()); got != want[farFuture] {
		return fmt.Errorf("%d quarantined, want %d", got, want[farFuture])
	}
	return nil
}
