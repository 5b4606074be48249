package oracle

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func readTestdata(t *testing.T, name string) []Event {
	t.Helper()
	events, err := ReadFile(filepath.Join("testdata", name), ReadClicks)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func final(t *testing.T, log Log, p Params) Table {
	t.Helper()
	table, err := Final(log, p)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func equalRows[R comparable](t *testing.T, what string, got, want []R) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: %d rows, want %d; row %d is %+v, want %+v", what, len(got), len(want), i, got[i], want[i])
		}
	}
	t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
}

const minute = 60_000

func TestShopSessions(t *testing.T) {
	events := readTestdata(t, "ecom.jsonl.gz")
	for _, gap := range []int64{15, 30} {
		want, err := ReadFile(fmt.Sprintf("testdata/ecom-sessions-%dm.csv.gz", gap), ReadSessions)
		if err != nil {
			t.Fatal(err)
		}
		for _, partitions := range []int{1, 3, 4} {
			table := final(t, Split(slices.Values(events), partitions), Params{Gap: gap * minute, Bound: minute})
			equalRows(t, fmt.Sprintf("gap %d min, %d partitions", gap, partitions), table.Sessions(), want)
			if len(table.Late) != 0 || table.Refused != 0 {
				t.Errorf("gap %d min, %d partitions: %d late and %d refused, want none", gap, partitions, len(table.Late), table.Refused)
			}
		}
	}
}

func TestHardSessions(t *testing.T) {
	events := readTestdata(t, "hard.jsonl.gz")
	for _, partitions := range []int{1, 4} {
		for _, lateness := range []int64{0, 10} {
			name := fmt.Sprintf("%dp-lateness%dm", partitions, lateness)
			t.Run(name, func(t *testing.T) {
				log := Split(slices.Values(events), partitions)
				params := Params{Gap: 30 * minute, Bound: minute, Lateness: lateness * minute}
				table := final(t, log, params)
				sessions, err := ReadFile("testdata/hard-sessions-"+name+".csv.gz", ReadSessions)
				if err != nil {
					t.Fatal(err)
				}
				late, err := ReadFile("testdata/hard-late-"+name+".csv.gz", ReadLate)
				if err != nil {
					t.Fatal(err)
				}
				equalRows(t, "sessions", table.Sessions(), sessions)
				equalRows(t, "late", table.LateRows(), late)
				conserved(t, log, table)
				panesMatchFinal(t, log, params)
			})
		}
	}
}

func conserved(t *testing.T, log Log, table Table) {
	t.Helper()
	n := len(table.Late)
	for _, r := range table.Results {
		n += len(r.Events)
	}
	if n != log.Len() {
		t.Errorf("sessions' events and late records are %d, the log has %d", n, log.Len())
	}
}

// panesMatchFinal applies every partition's panes to a table by key and window, as an upsert sink would, and compares it with Final's.
func panesMatchFinal(t *testing.T, log Log, p Params) {
	t.Helper()
	var got Table
	for partition := range log {
		panes, err := Panes(log, partition, p)
		if err != nil {
			t.Fatal(err)
		}
		got = upsert(got, panes)
		for _, e := range panes {
			if e.Cause != LateData && Add(e.MaxTimestamp(), p.Lateness) <= e.Origin {
				t.Errorf("a next stage with the same lateness would refuse %+v", e)
			}
		}
	}
	want := final(t, log, p)
	slices.SortFunc(got.Results, byKeyAndTime)
	if !reflect.DeepEqual(got.Results, want.Results) || !reflect.DeepEqual(got.Late, want.Late) {
		t.Errorf("panes of %v under %+v end in\n%v late %v, want\n%v late %v", log, p, got.Results, got.Late, want.Results, want.Late)
	}
}

func upsert(table Table, panes []Emission) Table {
	type id struct {
		key string
		Window
	}
	rows := map[id][]Record{}
	for _, e := range panes {
		if e.Cause == LateData {
			table.Late = append(table.Late, e.Events...)
			continue
		}
		for _, w := range e.Replaces {
			delete(rows, id{e.Key, w})
		}
		rows[id{e.Key, e.Window}] = e.Events
	}
	for id, events := range rows {
		table.Results = append(table.Results, Result{id.key, id.Window, events})
	}
	return table
}

func TestRowsRoundTrip(t *testing.T) {
	table := final(t, Log{{{"a,\"б", 5, "add_to_cart"}, {"a,\"б", 7, "view"}, {"z", 90, "checkout"}, {"z", 1, "view"}}}, Params{Gap: 2})
	var sessions, late bytes.Buffer
	if err := WriteSessions(&sessions, table.Sessions()); err != nil {
		t.Fatal(err)
	}
	if err := WriteLate(&late, table.LateRows()); err != nil {
		t.Fatal(err)
	}
	const wantSessions = "user_id,session_start,session_end,duration_ms,events,add_to_carts,checkouts,abandoned\n\"a,\"\"б\",5,7,2,2,1,0,1\nz,90,90,0,1,0,1,0\n"
	if got := sessions.String(); got != wantSessions {
		t.Errorf("sessions are\n%swant\n%s", got, wantSessions)
	}
	readSessions, err := ReadSessions(&sessions)
	if err != nil {
		t.Fatal(err)
	}
	equalRows(t, "sessions", readSessions, table.Sessions())
	readLate, err := ReadLate(&late)
	if err != nil {
		t.Fatal(err)
	}
	equalRows(t, "late", readLate, []LateRow{{"z", 1, 0, 3}})
	for _, bad := range []string{"", "user_id\n", "user_id,event_timestamp,partition,offset\nz,1,x,3\n"} {
		if rows, err := ReadLate(bytes.NewBufferString(bad)); err == nil {
			t.Errorf("ReadLate(%q) = %v, want an error", bad, rows)
		}
	}
}

func TestParams(t *testing.T) {
	for _, p := range []Params{{}, {Gap: 1, Size: 1}, {Gap: -1}, {Gap: 1, Bound: -1}, {Gap: 1, Lateness: -1}, {Gap: 1, Slide: 1}, {Size: 5, Offset: 5}, {Size: 5, Slide: -1}} {
		if _, err := Final(Log{}, p); err == nil {
			t.Errorf("Final with %+v gives no error", p)
		}
		if _, err := Panes(Log{{}}, 0, p); err == nil {
			t.Errorf("Panes with %+v gives no error", p)
		}
	}
}
