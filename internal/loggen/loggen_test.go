package loggen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/oracle"
)

// census is what is in a log, as one partition.
type census struct {
	events, keys, ascii, bare, duplicates     int
	atBound, justLate, minutesLate, hoursLate int // by their origin watermark
	equal, gap, gapMinus, gapPlus             int // steps between neighbours of a user in event time
	justOpen                                  int // exactly a gap after the one before, and exactly at the bound
	kinds                                     map[string]int
	first, last                               int64
}

func count(c Config, events iter.Seq[Event]) census {
	c = c.withDefaults()
	s := census{kinds: map[string]int{}, first: math.MaxInt64, last: math.MinInt64}
	times := map[string][]int64{}
	atBound := map[string]bool{}
	seen := map[string]bool{}
	at := func(key string, ts int64) string { return fmt.Sprint(key, "@", ts) }
	top := int64(math.MinInt64)
	for e := range events {
		s.events++
		s.kinds[e.EventType]++
		s.first, s.last = min(s.first, e.Timestamp), max(s.last, e.Timestamp)
		if e.Properties == nil {
			s.bare++
		}
		id := fmt.Sprintf("%s %s %d %v", at(e.UserID, e.Timestamp), e.EventType, e.Timestamp, e.Properties)
		if seen[id] {
			s.duplicates++
		}
		seen[id] = true
		if top > math.MinInt64 {
			switch behind := top - e.Timestamp; {
			case behind == c.Bound:
				s.atBound++
				atBound[at(e.UserID, e.Timestamp)] = true
			case behind == c.Bound+1:
				s.justLate++
			case behind > c.Bound+30*minute:
				s.hoursLate++
			case behind > c.Bound:
				s.minutesLate++
			}
		}
		top = max(top, e.Timestamp)
		times[e.UserID] = append(times[e.UserID], e.Timestamp)
	}
	s.keys = len(times)
	for key, ts := range times {
		if !strings.ContainsFunc(key, func(r rune) bool { return r > 127 }) {
			s.ascii++
		}
		slices.Sort(ts)
		for i := 1; i < len(ts); i++ {
			switch ts[i] - ts[i-1] {
			case 0:
				s.equal++
			case c.Gap:
				s.gap++
				if atBound[at(key, ts[i])] {
					s.justOpen++
				}
			case c.Gap - 1:
				s.gapMinus++
			case c.Gap + 1:
				s.gapPlus++
			}
		}
	}
	return s
}

func TestContent(t *testing.T) {
	c := Config{Seed: 1, Events: 100_000}
	s := count(c, c.All())
	t.Logf("%+v, %.1f h", s, float64(s.last-s.first)/hour)
	if s.events != c.Events {
		t.Errorf("%d events, want %d", s.events, c.Events)
	}
	if length := c.withDefaults().Length; s.last-s.first < length/2 || s.last-s.first > 2*length {
		t.Errorf("spans %d ms, want about %d", s.last-s.first, length)
	}
	for _, share := range []struct {
		name      string
		n, of     int
		low, high float64 // in percent
	}{
		{"views", s.kinds["view"], s.events, 70, 90},
		{"add_to_cart", s.kinds["add_to_cart"], s.events, 10, 16},
		{"checkout", s.kinds["checkout"], s.events, 5, 10},
		{"keys in ASCII", s.ascii, s.keys, 70, 90},
		{"without properties", s.bare, s.events, 8, 12},
		{"duplicates", s.duplicates, s.events, 0.7, 1.4},
		{"at the bound", s.atBound, s.events, 2, 5},
		{"one millisecond late", s.justLate, s.events, 1, 3},
		{"minutes late", s.minutesLate, s.events, 2, 4},
		{"hours late", s.hoursLate, s.events, 2, 4},
		{"equal timestamps", s.equal, s.events, 2, 6},
		{"steps of exactly the gap", s.gap, s.events, 1, 5},
		{"steps of the gap - 1 ms", s.gapMinus, s.events, 0.5, 3},
		{"steps of the gap + 1 ms", s.gapPlus, s.events, 0.5, 3},
		{"exactly the gap apart at exactly the bound", s.justOpen, s.events, 0.02, 1},
	} {
		if percent := 100 * float64(share.n) / float64(share.of); percent < share.low || percent > share.high {
			t.Errorf("%s are %.3f %%, want %g to %g", share.name, percent, share.low, share.high)
		}
	}
}

func TestSharesCanBeNone(t *testing.T) {
	c := Config{Events: 20_000, Users: 50, Minutes: -1, Hours: -1, Duplicates: -1, Bare: -1}
	s := count(c, c.All())
	if s.minutesLate+s.hoursLate+s.duplicates+s.bare != 0 {
		t.Errorf("%+v: want nothing late by more than a millisecond, no duplicates, all with properties", s)
	}
	if s.keys != 50 || s.atBound == 0 || s.justLate == 0 {
		t.Errorf("%+v: want 50 keys, and events at the bound and one millisecond late", s)
	}
}

// TestConservation deals the log out in several ways: what the sessions hold and what is late is what went in.
func TestConservation(t *testing.T) {
	c := Config{Seed: 2, Events: 50_000}
	for _, partitions := range []int{1, 4} {
		for _, strict := range []bool{false, true} {
			for _, lateness := range []int64{0, 10 * minute} {
				assign := ByUser
				if strict {
					assign = InTurn
				}
				log := Split(c.All(), partitions, assign)
				table, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: lateness, Strict: strict})
				if err != nil {
					t.Fatal(err)
				}
				n := len(table.Late)
				for _, r := range table.Results {
					n += len(r.Events)
				}
				if n != c.Events || log.Len() != c.Events {
					t.Errorf("%d partitions, strict %t, lateness %d: %d of %d events in sessions or late", partitions, strict, lateness, n, c.Events)
				}
				if share := float64(len(table.Late)) / float64(c.Events); share < 0.01 || share > 0.15 {
					t.Errorf("%d partitions, strict %t, lateness %d: %.1f %% late", partitions, strict, lateness, 100*share)
				}
			}
		}
	}
}

// TestMillisecondMatters: some records join a session only because sessions run a millisecond behind the watermark.
func TestMillisecondMatters(t *testing.T) {
	for _, partitions := range []int{1, 4} {
		log := Split(Config{Seed: 2, Events: 50_000}.All(), partitions, ByUser)
		table, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, session := range table.Results {
			for i, r := range session.Events {
				last := int64(math.MinInt64) // the latest event at or before r that arrived earlier
				for _, before := range session.Events[:i] {
					if before.Timestamp <= r.Timestamp {
						last = max(last, before.Timestamp)
					}
				}
				if last == r.Timestamp-30*minute && r.Timestamp == r.Origin+1 {
					n++
				}
			}
		}
		t.Logf("%d partitions: %d records", partitions, n)
		if n == 0 {
			t.Errorf("%d partitions: no record depends on the millisecond", partitions)
		}
	}
}

func TestSameSeedSameLog(t *testing.T) {
	digest := func(seed uint64) uint64 {
		h := fnv.New64a()
		if err := WriteJSONLines(h, Config{Seed: seed, Events: 5000}.All()); err != nil {
			t.Fatal(err)
		}
		return h.Sum64()
	}
	// A change of this number changes every log that a recorded seed stands for.
	const want = 0xf2dc3352dface0aa
	if got := digest(1); got != want {
		t.Errorf("the log of seed 1 has digest %#x, want %#x", got, uint64(want))
	}
	if digest(1) == digest(2) {
		t.Error("seeds 1 and 2 give the same log")
	}
}

func TestAllStopsAndStartsAgain(t *testing.T) {
	log := Config{Events: 100}.All()
	var first []Event
	for e := range log {
		first = append(first, e)
		if len(first) == 40 {
			break
		}
	}
	if all := slices.Collect(log); len(all) != 100 || !reflect.DeepEqual(all[:40], first) {
		t.Errorf("second pass has %d events, or others", len(all))
	}
	if none := slices.Collect(Config{}.All()); none != nil {
		t.Errorf("a log of no events is %v", none)
	}
}

func TestJSONLines(t *testing.T) {
	c := Config{Events: 300}
	var b bytes.Buffer
	if err := WriteJSONLines(&b, c.All()); err != nil {
		t.Fatal(err)
	}
	clicks, err := oracle.ReadClicks(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if want := Split(c.All(), 1, ByUser)[0]; !slices.Equal(clicks, want) {
		t.Error("the oracle reads other events than it is dealt")
	}
	dec := json.NewDecoder(&b)
	for want := range c.All() {
		var got Event
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read %+v, want %+v", got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{{Events: -1}, {Users: -1}, {Length: -1}, {Bound: 1}, {Gap: 5, Bound: 4}, {Minutes: 400, Hours: 400}, {Duplicates: 501}} {
		if c.Validate() == nil {
			t.Errorf("%+v passes", c)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkMillion(b *testing.B) {
	c := Config{Seed: 3, Events: 1_000_000}
	b.Run("step=generate", func(b *testing.B) {
		for b.Loop() {
			for range c.All() {
			}
		}
	})
	log := Split(c.All(), 4, ByUser)
	p := oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: 10 * minute}
	b.Run("step=final", func(b *testing.B) {
		for b.Loop() {
			if _, err := oracle.Final(log, p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("step=panes", func(b *testing.B) {
		for b.Loop() {
			for partition := range log {
				if _, err := oracle.Panes(log, partition, p); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
