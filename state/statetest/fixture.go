package statetest

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/millrace/millrace/state"
)

// Small, so that a backend that divides memory is tried with little of it.
const memoryBytes = 8 << 20

// fixture is an open store with the content it should have.
type fixture struct {
	t       *testing.T
	backend state.Backend
	dir     string
	store   state.Store
	model   model
}

// newFixture opens a store; like each later one of the fixture it is closed with the test.
func newFixture(t *testing.T, b state.Backend, dir string) *fixture {
	t.Helper()
	f := &fixture{t: t, backend: b, dir: dir, model: model{}}
	f.open()
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	s, err := f.backend.Open(f.dir, memoryBytes)
	if err != nil {
		f.t.Fatalf("open: %v", err)
	}
	f.store = s
	f.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.t.Errorf("close: %v", err)
		}
	})
}

func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.store.Close(); err != nil {
		f.t.Fatalf("close: %v", err)
	}
	f.open()
}

// commit commits b and applies it to the model.
func (f *fixture) commit(b *state.Batch) {
	f.t.Helper()
	if err := f.store.Commit(b); err != nil {
		f.t.Fatalf("commit: %v", err)
	}
	f.model.apply(b)
}

// set commits pairs of key and value.
func (f *fixture) set(pairs ...string) {
	f.t.Helper()
	var b state.Batch
	for i := 0; i < len(pairs); i += 2 {
		b.Set([]byte(pairs[i]), []byte(pairs[i+1]))
	}
	f.commit(&b)
}

func (f *fixture) wantGet(key string) {
	f.t.Helper()
	got, found, err := f.store.Get([]byte(key), nil)
	if err != nil {
		f.t.Fatalf("get %q: %v", short(key), err)
	}
	want, ok := f.model[key]
	if found != ok || string(got) != want {
		f.t.Fatalf("get %q = %q, %v; want %q, %v", short(key), short(string(got)), found, short(want), ok)
	}
}

// wantMultiGet compares what is found of keys, which it puts in order, with the model.
func (f *fixture) wantMultiGet(keys ...string) {
	f.t.Helper()
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var asked [][]byte
	for _, k := range keys {
		asked = append(asked, []byte(k))
	}
	next := 0
	absent := func(to int) {
		for ; next < to; next++ {
			if _, ok := f.model[keys[next]]; ok {
				f.t.Fatalf("%q is not among what was got of %d keys", short(keys[next]), len(keys))
			}
		}
	}
	err := f.store.MultiGet(asked, func(i int, value []byte) error {
		if i < next {
			f.t.Fatalf("key %d is visited after key %d", i, next-1)
		}
		absent(i)
		if want, ok := f.model[keys[i]]; !ok || string(value) != want {
			f.t.Fatalf("%q = %q; want %q, %v", short(keys[i]), short(string(value)), short(want), ok)
		}
		next = i + 1
		return nil
	})
	if err != nil {
		f.t.Fatalf("get of %d keys: %v", len(keys), err)
	}
	absent(len(keys))
}

// wantAll compares a scan of everything with the model.
func (f *fixture) wantAll() {
	f.t.Helper()
	f.wantScan(nil, nil, -1)
}

// wantScan compares a scan of [from, to), ended after limit entries if limit is not -1, with the model.
func (f *fixture) wantScan(from, to []byte, limit int) {
	f.t.Helper()
	want := f.model.between(from, to)
	if limit >= 0 && limit < len(want) {
		want = want[:limit]
	}
	got := 0
	err := f.store.Scan(from, to, func(key, value []byte) bool {
		if got >= len(want) {
			f.t.Fatalf("scan [%q, %q): %q after the last expected key", from, to, key)
		}
		if string(key) != want[got] || string(value) != f.model[want[got]] {
			f.t.Fatalf("scan [%q, %q): entry %d is %q = %q, want %q = %q",
				from, to, got, key, short(string(value)), want[got], short(f.model[want[got]]))
		}
		got++
		return got != limit
	})
	if err != nil {
		f.t.Fatalf("scan [%q, %q): %v", from, to, err)
	}
	if got != len(want) {
		f.t.Fatalf("scan [%q, %q): %d entries, want %d", from, to, got, len(want))
	}
}

// model is what a store should hold.
type model map[string]string

func (m model) apply(b *state.Batch) {
	_ = b.Each(func(key, value []byte, del bool) error { // visit returns no error, so Each has none
		if del {
			delete(m, string(key))
		} else {
			m[string(key)] = string(value)
		}
		return nil
	})
}

// between returns the keys in [from, to) in order.
func (m model) between(from, to []byte) []string {
	keys := slices.Sorted(maps.Keys(m))
	return slices.DeleteFunc(keys, func(k string) bool {
		return bytes.Compare([]byte(k), from) < 0 || to != nil && bytes.Compare([]byte(k), to) >= 0
	})
}

func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
