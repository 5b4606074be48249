package oracle

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestPartition(t *testing.T) {
	// The hashes are from the Java client's own tests.
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got, want := Partition(key, 1<<31), int(hash&math.MaxInt32); got != want {
			t.Errorf("Partition(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestAssign(t *testing.T) {
	for _, c := range []struct {
		ts, size, slide, offset int64
		want                    []Window
	}{
		{0, 10, 0, 0, []Window{{0, 10}}},
		{9, 10, 0, 0, []Window{{0, 10}}},
		{10, 10, 0, 0, []Window{{10, 20}}},
		{-1, 10, 0, 0, []Window{{-10, 0}}},
		{-10, 10, 0, 0, []Window{{-10, 0}}},
		{-11, 10, 0, 0, []Window{{-20, -10}}},
		{7, 10, 0, 3, []Window{{3, 13}}},
		{2, 10, 0, 3, []Window{{-7, 3}}},
		{-1, 10, 0, 3, []Window{{-7, 3}}},
		{-1, 10, 0, -3, []Window{{-3, 7}}},
		{12, 10, 5, 0, []Window{{10, 20}, {5, 15}}},
		{-1, 10, 5, 0, []Window{{-5, 5}, {-10, 0}}},
		{12, 10, 4, 0, []Window{{12, 22}, {8, 18}, {4, 14}}},
		{7, 3, 10, 0, nil},
		{2, 3, 10, 0, []Window{{0, 3}}},
		{12, 10, 5, 2, []Window{{12, 22}, {7, 17}}},
		{3, 10, 5, -2, []Window{{3, 13}, {-2, 8}}},
	} {
		if got := (Params{Size: c.size, Slide: c.slide, Offset: c.offset}).assign(c.ts); !slices.Equal(got, c.want) {
			t.Errorf("assign ts=%d size=%d slide=%d offset=%d = %v, want %v", c.ts, c.size, c.slide, c.offset, got, c.want)
		}
	}
}

func TestOrigin(t *testing.T) {
	var got []int64
	for r := range (Log{{{"a", 100, ""}, {"a", 50, ""}, {"a", 101, ""}}, {{"a", 7, ""}, {"a", 8, ""}}}).Records(20) {
		got = append(got, r.Origin)
	}
	if want := []int64{math.MinInt64, 79, 79, math.MinInt64, -14}; !slices.Equal(got, want) {
		t.Errorf("origin watermarks are %v, want %v", got, want)
	}
}

// script makes one partition of events of key k; an event of key w at ts leaves the watermark at ts - 1 for bound 0.
func script(events ...any) Log {
	var log []Event
	for i := 0; i < len(events); i += 2 {
		log = append(log, Event{Key: events[i].(string), Timestamp: int64(events[i+1].(int))})
	}
	return Log{log}
}

// trace is what a partition emits for key k.
func trace(t *testing.T, log Log, p Params) []string {
	t.Helper()
	panes, err := Panes(log, 0, p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range panes {
		if e.Key != "k" {
			continue
		}
		s := fmt.Sprintf("%s@%d", e.Cause, e.At)
		if e.Cause != LateData {
			s += fmt.Sprintf(" [%d,%d)x%d", e.Start, e.End, len(e.Events))
		}
		if e.Replaces != nil {
			s += fmt.Sprintf(" for %v", e.Replaces)
		}
		got = append(got, s)
	}
	return got
}

func TestPanes(t *testing.T) {
	for _, c := range []struct {
		name string
		log  Log
		p    Params
		want []string
	}{
		{"fired, late firing, last accepted, late", script("k", 3, "w", 10, "k", 4, "w", 14, "k", 5, "w", 15, "k", 6), Params{Size: 10, Lateness: 5},
			[]string{"on-time@1 [0,10)x1", "late-fire@2 [0,10)x2", "late-fire@4 [0,10)x3", "late-data@6"}},
		{"late without lateness", script("k", 3, "w", 9, "k", 4, "w", 10, "k", 5), Params{Size: 10}, []string{"on-time@3 [0,10)x2", "late-data@4"}},
		{"first record late but allowed", script("w", 12, "k", 3), Params{Size: 10, Lateness: 5}, []string{"late-fire@1 [0,10)x1"}},
		{"gap between windows is not late", script("w", 50, "k", 7), Params{Size: 3, Slide: 10}, nil},
		{"touching events are one session", script("k", 1, "w", 3, "k", 3), Params{Gap: 2}, []string{"on-time@3 [1,5)x2"}},
		{"a millisecond more is two", script("k", 1, "w", 4, "k", 4), Params{Gap: 2}, []string{"on-time@1 [1,3)x1", "on-time@3 [4,6)x1"}},
		{"closed session stays closed", script("k", 10, "w", 13, "k", 11), Params{Gap: 2}, []string{"on-time@1 [10,12)x1", "on-time@3 [11,13)x1"}},
		{"fired session is extended", script("k", 10, "w", 13, "k", 12, "w", 30), Params{Gap: 2, Lateness: 5},
			[]string{"on-time@1 [10,12)x1", "on-time@3 [10,14)x2 for [{10 12}]"}},
		{"fired session is extended and late at once", script("k", 10, "w", 13, "k", 9), Params{Gap: 2, Lateness: 5},
			[]string{"on-time@1 [10,12)x1", "late-fire@2 [9,12)x2 for [{10 12}]"}},
		{"two fired sessions become one", script("k", 10, "k", 13, "w", 17, "k", 11), Params{Gap: 2, Lateness: 5},
			[]string{"on-time@1 [10,12)x1", "on-time@2 [13,15)x1", "late-fire@3 [10,15)x3 for [{10 12} {13 15}]"}},
		{"late record inside a fired session", script("k", 10, "k", 11, "w", 15, "k", 11), Params{Gap: 2, Lateness: 5},
			[]string{"on-time@2 [10,13)x2", "late-fire@3 [10,13)x3"}},
		{"end of input fires in order", script("k", 4, "k", 0), Params{Gap: 2, Bound: 9}, []string{"on-time@2 [0,2)x1", "on-time@2 [4,6)x1"}},
		{"strict refuses what a window would take", script("k", 5, "w", 7, "k", 6), Params{Size: 10, Strict: true}, []string{"late-data@2", "on-time@3 [0,10)x1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := trace(t, c.log, c.p); !slices.Equal(got, c.want) {
				t.Errorf("emits\n%q, want\n%q", got, c.want)
			}
			panesMatchFinal(t, c.log, c.p)
		})
	}
}

func TestFiringOrder(t *testing.T) {
	panes, err := Panes(script("b", 3, "ab", 1, "a", 3, "б", 1, "z", 0), 0, Params{Gap: 5, Bound: 9})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range panes {
		keys = append(keys, e.Key)
	}
	if want := []string{"z", "ab", "б", "a", "b"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("keys fire in the order %q, want %q", keys, want)
	}
}

func TestSessionsOfAKeyInManyPartitions(t *testing.T) {
	log := Log{{{"k", 1, ""}}, {{"k", 9, ""}, {"k", 2, ""}}}
	if _, err := Final(log, Params{Gap: 2}); !errors.Is(err, ErrManySplits) {
		t.Errorf("error is %v, want ErrManySplits", err)
	}
	table := final(t, log, Params{Gap: 2, Strict: true})
	if len(table.Late) != 1 || len(table.Results) != 2 || table.Refused != 1 {
		t.Errorf("strict gives %+v, want [1,3) and [9,11), and the record at 2 late", table)
	}
}
