//go:build !race

package pebble

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/state"
)

// The race detector makes sync.Pool forget at random, so this holds only without it.
func TestGetAllocatesNothing(t *testing.T) {
	s := openQuiet(t, t.TempDir(), 0)
	var b state.Batch
	for i := range 10_000 {
		b.Set(fmt.Appendf(nil, "%05d", 2*i), make([]byte, 100))
	}
	if err := s.Commit(&b); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 128)
	key := []byte("00000")
	r := rand.New(rand.NewPCG(1, 1))
	allocs := testing.AllocsPerRun(2000, func() {
		n := r.IntN(20_000)
		for i := range key {
			key[len(key)-1-i] = byte('0' + n%10)
			n /= 10
		}
		if _, _, err := s.Get(key, dst); err != nil {
			t.Fatal(err)
		}
	})
	// A collection during the run may empty Pebble's pools.
	if allocs > 0 {
		t.Errorf("%v allocations per Get, want 0", allocs)
	}
}
