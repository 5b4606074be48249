package statetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/state"
)

// flipsPerFile bounds the places at which each file is damaged: its first and last bytes, and random ones between.
const flipsPerFile = 60

// A damaged file is reported or does not matter; never is there an entry that was not written, or one missing without an error.
func testDamage(t *testing.T, b state.Backend) {
	f := newFixture(t, b, t.TempDir())
	for round := range 3 {
		var batch state.Batch
		for i := range 400 {
			batch.Set(fmt.Appendf(nil, "key %d", i*(round+1)), fmt.Appendf(nil, "value %d of round %d", i, round))
		}
		batch.Delete(fmt.Appendf(nil, "key %d", round))
		f.commit(&batch)
		f.reopen()
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 3))
	reported, harmless := 0, 0
	for _, name := range files(t, f.dir) {
		content, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range places(r, len(content)) {
			mask := byte(1) << r.IntN(8)
			if damaged(t, f, name, content, at, mask) {
				reported++
			} else {
				harmless++
			}
		}
	}
	t.Logf("%d flipped bits reported, %d harmless", reported, harmless)
	if reported == 0 {
		t.Error("no damage was ever reported")
	}
}

// damaged opens a copy of the store with one bit of a file flipped and reports whether that was an error.
func damaged(t *testing.T, f *fixture, name string, content []byte, at int, mask byte) bool {
	t.Helper()
	dir := t.TempDir()
	if err := tryCopy(f.dir, dir); err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), content...)
	flipped[at] ^= mask
	if err := os.WriteFile(filepath.Join(dir, name), flipped, 0o644); err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%s, offset %d of %d, mask %#x", name, at, len(content), mask)
	s, err := f.backend.Open(dir, memoryBytes)
	if err != nil {
		wantCorrupt(t, what, "open", err)
		return true
	}
	reported := false
	n := 0
	err = s.Scan(nil, nil, func(key, value []byte) bool {
		if f.model[string(key)] != string(value) {
			t.Errorf("%s: scan gives %q = %q, want %q", what, key, short(string(value)), short(f.model[string(key)]))
		}
		n++
		return true
	})
	if err != nil {
		wantCorrupt(t, what, "scan", err)
		reported = true
	} else if n != len(f.model) {
		t.Errorf("%s: scan gives %d entries, want %d", what, n, len(f.model))
	}
	for key, want := range f.model {
		got, found, err := s.Get([]byte(key), nil)
		if err != nil {
			wantCorrupt(t, what, "get", err)
			reported = true
			break
		}
		if !found || string(got) != want {
			t.Errorf("%s: get %q = %q, %v; want %q", what, key, short(string(got)), found, short(want))
			break
		}
	}
	if err := s.Close(); err != nil {
		wantCorrupt(t, what, "close", err)
		reported = true
	}
	return reported
}

func wantCorrupt(t *testing.T, what, call string, err error) {
	t.Helper()
	if !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("%s: %s: %v; want one that wraps state.ErrCorrupt", what, call, err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "LOCK" {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		names = append(names, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func places(r *rand.Rand, size int) []int {
	if size <= flipsPerFile {
		all := make([]int, size)
		for i := range all {
			all[i] = i
		}
		return all
	}
	var at []int
	for i := range flipsPerFile / 3 {
		at = append(at, i, size-1-i, r.IntN(size))
	}
	return at
}
