package pebble

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace/millrace/state"
)

func openQuiet(tb testing.TB, dir string, memory int64, opts ...Option) *store {
	tb.Helper()
	s, err := Backend(append([]Option{Logger(slog.New(slog.DiscardHandler))}, opts...)...).Open(dir, memory)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s.(*store)
}

func TestSortBatch(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var b state.Batch
		want := map[string]string{}
		prefix := []string{"", "shared/", "\x00"}[seed%3]
		for i := range 1 + r.IntN(60) {
			tail := make([]byte, r.IntN(12))
			for j := range tail {
				tail[j] = byte(r.IntN(2)) * 0xff
			}
			k := prefix + string(tail)
			if r.IntN(3) == 0 {
				b.Delete([]byte(k))
				want[k] = "deleted"
			} else {
				b.Set([]byte(k), fmt.Append(nil, i))
				want[k] = fmt.Sprint(i)
			}
		}
		sorted := sortBatch(&b)
		var got []write
		for i := range sorted.len() {
			got = append(got, *sorted.at(i))
		}
		if !slices.IsSortedFunc(got, func(a, b write) int { return bytes.Compare(a.key, b.key) }) {
			t.Fatalf("seed %d: not sorted", seed)
		}
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d writes, want %d", seed, len(got), len(want))
		}
		for _, w := range got {
			v := string(w.value)
			if w.del {
				v = "deleted"
			}
			if k := string(userKey(w.key)); want[k] != v {
				t.Fatalf("seed %d: %q = %q, want %q", seed, k, v, want[k])
			}
		}
	}
}

func TestStoredKey(t *testing.T) {
	for n := range 200 {
		k := make([]byte, n)
		if got := storedKey(k); len(got) != n+1 || !allZero(got) || len(userKey(got)) != n {
			t.Errorf("%d zeros are stored as %q", n, got)
		}
	}
	for _, k := range []string{"a", "\x00a", "a\x00", "\x00\x00\x01\x00"} {
		if got := storedKey([]byte(k)); string(got) != k || string(userKey(got)) != k {
			t.Errorf("%q is stored as %q", k, got)
		}
	}
}

// Misses are answered by the filters also where the data lies in the last level.
func TestFiltersOfTheLastLevel(t *testing.T) {
	s := openQuiet(t, t.TempDir(), 0)
	var b state.Batch
	for i := range 10_000 {
		b.Set(fmt.Appendf(nil, "%05d", 2*i), make([]byte, 100))
	}
	if err := s.Commit(&b); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(t.Context(), []byte("0"), []byte("9"), false); err != nil {
		t.Fatal(err)
	}
	before := s.db.Metrics()
	if n := before.Levels[6].TablesCount; n == 0 {
		t.Fatal("no table in the last level")
	}
	const gets = 5000
	for i := range gets {
		if _, found, err := s.Get(fmt.Appendf(nil, "%05d", 2*i+1), nil); found || err != nil {
			t.Fatal(found, err)
		}
	}
	after := s.db.Metrics()
	if hits := after.Filter.Hits - before.Filter.Hits; hits < gets*95/100 {
		t.Errorf("filters answered %d of %d misses", hits, gets)
	}
}
