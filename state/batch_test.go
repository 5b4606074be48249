package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/state"
)

type op struct {
	key, value string
	del        bool
}

func list(b *state.Batch) []op {
	var got []op
	_ = b.Each(func(key, value []byte, del bool) error { // visit returns no error
		got = append(got, op{string(key), string(value), del})
		return nil
	})
	return got
}

func wantOps(t *testing.T, b *state.Batch, want ...op) {
	t.Helper()
	if got := list(b); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("batch holds %v, want %v", got, want)
	}
}

func TestBatchKeepsOrderAndCopies(t *testing.T) {
	var b state.Batch
	wantOps(t, &b)
	key, value := []byte("k"), []byte("v")
	b.Set(key, value)
	b.Delete(key)
	key[0], value[0] = 'x', 'y'
	b.Set(key, nil)
	wantOps(t, &b, op{"k", "v", false}, op{"k", "", true}, op{"x", "", false})
	if b.Len() != 3 || b.Bytes() != 4 {
		t.Errorf("Len %d, Bytes %d; want 3, 4", b.Len(), b.Bytes())
	}
}

func TestBatchMerge(t *testing.T) {
	var a, b, empty state.Batch
	a.Set([]byte("1"), []byte("a"))
	b.Delete([]byte("1"))
	b.Set([]byte("2"), []byte("bb"))
	a.Merge(&b)
	a.Merge(&empty)
	a.Set([]byte("3"), []byte("c"))
	wantOps(t, &a, op{"1", "a", false}, op{"1", "", true}, op{"2", "bb", false}, op{"3", "c", false})
	if a.Len() != 4 || a.Bytes() != 2+1+3+2 {
		t.Errorf("Len %d, Bytes %d; want 4, 8", a.Len(), a.Bytes())
	}
}

// Slices stay valid and apart across pieces, whatever an entry's size, and cannot grow into one another.
func TestBatchPieces(t *testing.T) {
	var b state.Batch
	sizes := []int{0, 1, 100, 255 << 10, 256 << 10, 257 << 10, 3 << 20, 5}
	for round := range 3 {
		for i, n := range sizes {
			b.Set(fmt.Appendf(nil, "%d-%d", round, i), bytes.Repeat([]byte{byte(i + 1)}, n))
		}
	}
	var values [][]byte
	_ = b.Each(func(_, value []byte, _ bool) error { // visit returns no error
		values = append(values, value)
		_ = append(value, 0xee)
		return nil
	})
	for i, v := range values {
		n := i % len(sizes)
		if len(v) != sizes[n] || len(bytes.Trim(v, string(rune(n+1)))) != 0 {
			t.Errorf("value %d was changed", i)
		}
	}
}

func TestBatchEachStopsAtError(t *testing.T) {
	var b state.Batch
	b.Set([]byte("1"), nil)
	b.Set([]byte("2"), nil)
	stop := errors.New("stop")
	n := 0
	if err := b.Each(func(_, _ []byte, _ bool) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("Each returned %v after %d writes, want %v after 1", err, n, stop)
	}
}

// Many small writes cost few allocations.
func TestBatchAllocations(t *testing.T) {
	key, value := make([]byte, 20), make([]byte, 100)
	const writes = 100_000
	allocs := testing.AllocsPerRun(3, func() {
		var b state.Batch
		for range writes {
			b.Set(key, value)
		}
	})
	if allocs > writes/500 {
		t.Errorf("%v allocations for %d writes", allocs, writes)
	}
}
