package statetest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/state"
)

// testMetamorphic does random things to a store and the same to a map, closing it and leaving it behind as a crash would among them.
func testMetamorphic(t *testing.T, b state.Backend, dir string) {
	const seeds, steps = 4, 150
	for seed := range uint64(seeds) {
		at := dir
		if dir != "" {
			at = t.TempDir()
		}
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			walk(t, newFixture(t, b, at), rand.New(rand.NewPCG(seed, 7)), steps)
		})
	}
}

func walk(t *testing.T, f *fixture, r *rand.Rand, steps int) {
	for range steps {
		switch p := r.IntN(100); {
		case p < 40:
			f.commit(randomBatch(r))
		case p < 55:
			for range 20 {
				f.wantGet(randomKey(r))
			}
		case p < 65:
			keys := make([]string, r.IntN(40))
			for i := range keys {
				keys[i] = randomKey(r)
			}
			f.wantMultiGet(keys...)
		case p < 90:
			from, to := []byte(randomKey(r)), []byte(randomKey(r))
			if r.IntN(4) == 0 {
				to = nil
			}
			f.wantScan(from, to, limit(r))
		case p < 95 && f.dir != "":
			f.reopen()
		case f.dir != "":
			dir := copyDir(t, f.dir)
			if err := f.store.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
			f.dir = dir
			f.open()
		}
		if t.Failed() {
			return
		}
	}
	f.wantAll()
}

// limit is -1 for a scan to the end, or 1 and more.
func limit(r *rand.Rand) int {
	if r.IntN(4) == 0 {
		return -1
	}
	return 1 + r.IntN(30)
}

func randomBatch(r *rand.Rand) *state.Batch {
	n := 1 + r.IntN(20)
	if r.IntN(10) == 0 {
		n = 500
	}
	b := new(state.Batch)
	for range n {
		key := []byte(randomKey(r))
		if r.IntN(3) == 0 {
			b.Delete(key)
			continue
		}
		value := make([]byte, r.IntN(60))
		if r.IntN(100) == 0 {
			value = make([]byte, 100_000)
		}
		for i := range value {
			value[i] = byte(r.Uint32())
		}
		b.Set(key, value)
	}
	return b
}

// randomKey draws from few enough keys that they meet often; edge bytes and prefixes of one another are among them.
func randomKey(r *rand.Rand) string {
	const letters = "\x00a\xff"
	key := make([]byte, r.IntN(6))
	for i := range key {
		key[i] = letters[r.IntN(len(letters))]
	}
	return string(key)
}
