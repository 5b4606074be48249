package statetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/state"
)

func testGetSetDelete(t *testing.T, f *fixture) {
	f.wantGet("absent")
	f.wantAll()
	f.set("a", "1", "b", "2")
	f.wantGet("a")
	f.wantGet("b")
	f.wantGet("c")
	var b state.Batch
	b.Delete([]byte("a"))
	b.Delete([]byte("never there"))
	b.Set([]byte("b"), []byte("3"))
	f.commit(&b)
	f.wantGet("a")
	f.wantGet("b")
	f.wantAll()
	f.commit(&state.Batch{})
	f.wantAll()
}

func testMultiGet(t *testing.T, f *fixture) {
	f.wantMultiGet()
	f.wantMultiGet("a", "b")
	f.set("a", "1", "b", "", "d", "4", "", "empty", "\x00", "zero")
	f.wantMultiGet()
	f.wantMultiGet("", "\x00", "\x00\x00", "a", "aa", "b", "c", "d", "e")
	var b state.Batch
	b.Delete([]byte("a"))
	b.Set([]byte("c"), []byte("3"))
	f.commit(&b)
	f.wantMultiGet("a", "b", "c", "d")
	enough, visits := errors.New("enough"), 0
	err := f.store.MultiGet([][]byte{[]byte("b"), []byte("c"), []byte("d")}, func(i int, _ []byte) error {
		if visits++; i == 1 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || visits != 2 {
		t.Errorf("a visit that ends it: %v after %d visits; want its error after 2", err, visits)
	}
}

func testGetUsesDst(t *testing.T, f *fixture) {
	f.set("k", "value")
	dst := make([]byte, 3, 64)
	copy(dst, "old")
	got, found, err := f.store.Get([]byte("k"), dst)
	if err != nil || !found || string(got) != "value" {
		t.Fatalf("get = %q, %v, %v", got, found, err)
	}
	if &got[0] != &dst[0] {
		t.Error("get did not use dst, which had room")
	}
	copy(got, "VALUE")
	f.wantGet("k")
	got, found, err = f.store.Get([]byte("none"), dst)
	if err != nil || found || len(got) != 0 {
		t.Errorf("get of an absent key = %q, %v, %v; want empty, false, nil", got, found, err)
	}
	first, _, err := f.store.Get([]byte("k"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.set("k", "other")
	if string(first) != "value" {
		t.Errorf("a value returned before a commit is %q after it", first)
	}
}

func testLastWriteWins(t *testing.T, f *fixture) {
	f.set("gone", "before", "back", "before")
	var b, other state.Batch
	for i := range 100 {
		b.Set([]byte("many"), fmt.Append(nil, i))
	}
	b.Set([]byte("gone"), []byte("x"))
	b.Delete([]byte("gone"))
	b.Delete([]byte("back"))
	b.Set([]byte("back"), []byte("y"))
	b.Set([]byte("merged"), []byte("first"))
	other.Set([]byte("merged"), []byte("second"))
	b.Merge(&other)
	f.commit(&b)
	for _, k := range []string{"many", "gone", "back", "merged"} {
		f.wantGet(k)
	}
	f.wantAll()
}

func testScanRanges(t *testing.T, f *fixture) {
	keys := []string{"", "\x00", "\x00\x00", "\x00\xff", "a", "a\x00", "aa", "ab", "b", "\xfe\xff", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff"}
	var b state.Batch
	for i, k := range rand.New(rand.NewPCG(1, 1)).Perm(len(keys)) {
		b.Set([]byte(keys[k]), fmt.Append(nil, i))
	}
	f.commit(&b)
	bounds := [][]byte{nil, {}}
	for _, k := range keys[1:] {
		bounds = append(bounds, []byte(k), []byte(k+"\x00"))
		f.wantGet(k)
	}
	f.wantGet("")
	for _, from := range bounds {
		for _, to := range bounds {
			f.wantScan(from, to, -1)
		}
		f.wantScan(from, nil, 1)
		f.wantScan(from, nil, 3)
	}
}

// A scan neither sees a commit that comes after its start nor holds it up.
func testScanSeesOneMoment(t *testing.T, f *fixture) {
	var b, change state.Batch
	for i := range 5000 {
		k := fmt.Appendf(nil, "%06d", i)
		b.Set(k, []byte("old"))
		if i%2 == 0 {
			change.Set(k, []byte("new"))
		} else {
			change.Delete(k)
		}
		change.Set(fmt.Appendf(nil, "%06d+", i), []byte("new"))
	}
	f.commit(&b)
	n := 0
	err := f.store.Scan(nil, nil, func(key, value []byte) bool {
		if n == 10 {
			done := make(chan error)
			go func() { done <- f.store.Commit(&change) }()
			if err := <-done; err != nil {
				t.Errorf("commit during a scan: %v", err)
			}
		}
		if string(value) != "old" {
			t.Errorf("scan sees %q = %q, committed after it began", key, value)
			return false
		}
		n++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != 5000 {
		t.Errorf("scan visited %d entries, want 5000", n)
	}
	f.model.apply(&change)
	f.wantAll()
}

func testValueSizes(t *testing.T, f *fixture) {
	large := make([]byte, 16<<20)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(large) // it never fails
	var b state.Batch
	b.Set([]byte("empty"), nil)
	b.Set([]byte("empty too"), []byte{})
	b.Set([]byte("large"), large)
	b.Set(bytes.Repeat([]byte("k"), 60_000), []byte("a long key"))
	f.commit(&b)
	for k := range f.model {
		f.wantGet(k)
	}
	f.wantAll()
	if f.dir != "" {
		f.reopen()
		f.wantAll()
	}
	f.set("large", "small")
	f.wantGet("large")
}

func testLargeBatch(t *testing.T, f *fixture) {
	for round := range 2 {
		var b state.Batch
		for i := range 100_000 {
			// Odd multiplier: the keys are distinct and far from sorted.
			k := binary.BigEndian.AppendUint64([]byte("k/"), uint64(i+round*50_000)*0x9e3779b97f4a7c15)
			if round == 1 && i%3 == 0 {
				b.Delete(k)
			} else {
				b.Set(k, fmt.Append(nil, "value ", round, i))
			}
		}
		f.commit(&b)
		f.wantAll()
	}
	if f.dir != "" {
		f.reopen()
		f.wantAll()
	}
}

func testStats(t *testing.T, f *fixture) {
	f.set("a", "1", "b", "22")
	f.wantGet("a")
	f.wantMultiGet("b", "none")
	f.wantAll()
	st := f.store.Stats()
	if st.Gets != 3 || st.Scans != 1 || st.Commits != 1 || st.BytesCommitted != 5 {
		t.Errorf("stats %+v; want 3 gets, 1 scan, 1 commit of 5 bytes", st)
	}
	if f.dir != "" && st.DiskBytes == 0 {
		t.Error("stats say that the store takes no bytes on disk")
	}
}

func testClosed(t *testing.T, f *fixture) {
	f.set("a", "1")
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	var b state.Batch
	b.Set([]byte("a"), []byte("2"))
	_, _, getErr := f.store.Get([]byte("a"), nil)
	scanErr := f.store.Scan(nil, nil, func(_, _ []byte) bool { return true })
	multiErr := f.store.MultiGet([][]byte{[]byte("a")}, func(int, []byte) error { return nil })
	for _, err := range []error{getErr, multiErr, scanErr, f.store.Commit(&b)} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("call after Close: %v, want one that wraps fs.ErrClosed", err)
		}
	}
	f.store.Stats()
	if err := f.store.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
