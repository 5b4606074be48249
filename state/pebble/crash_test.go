package pebble_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
)

// After a power loss that keeps none, some or all of what was not synced, every commit that returned is there, and of one under way all or nothing.
func TestPowerLoss(t *testing.T) {
	paths := map[string][]pebble.Option{
		"log":    {quiet},
		"ingest": {quiet, pebble.IngestOver(1, 1)},
		"mixed":  {quiet, pebble.IngestOver(60, 1<<30)},
	}
	for name, opts := range paths {
		for _, unsynced := range []int{0, 50, 100} {
			t.Run(fmt.Sprintf("%s/unsynced=%d", name, unsynced), func(t *testing.T) {
				for seed := range uint64(6) {
					powerLoss(t, opts, unsynced, seed)
				}
			})
		}
	}
}

// powerLoss makes commits in which every key gets the commit's number, cuts the power during the last one, and looks at what is left.
func powerLoss(t *testing.T, opts []pebble.Option, unsynced int, seed uint64) {
	t.Helper()
	const keys = 100
	r := rand.New(rand.NewPCG(seed, 1))
	fs := vfs.NewCrashableMem()
	s, err := pebble.Backend(append(opts, pebble.FS(fs))...).Open("a/b", 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(n int) error {
		var b state.Batch
		for i := range 20 + r.IntN(keys-20) { // a prefix of the keys, some deleted and then set
			k := fmt.Appendf(nil, "%03d", i)
			if r.IntN(4) == 0 {
				b.Delete(k)
			}
			// Beyond a log block, so that a torn commit shows.
			b.Set(k, fmt.Appendf(make([]byte, 0, 1000), "%06d%0900d", n, 0))
		}
		for i := range keys {
			b.Set(fmt.Appendf(nil, "all/%03d", i), fmt.Appendf(nil, "%06d%0900d", n, 0))
		}
		return s.Commit(&b)
	}
	last, moment := r.IntN(12), r.IntN(2000)
	for n := range last {
		if err := commit(n); err != nil {
			t.Fatal(err)
		}
	}
	returned := make(chan error)
	go func() { returned <- commit(last) }()
	for range moment {
		runtime.Gosched()
	}
	after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(seed, 2))})
	if err := <-returned; err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, err = pebble.Backend(append(opts, pebble.FS(after))...).Open("a/b", 4<<20)
	if err != nil {
		t.Fatalf("seed %d: open after the crash: %v", seed, err)
	}
	n, number := 0, ""
	err = s.Scan([]byte("all/"), []byte("all0"), func(k, v []byte) bool {
		if n > 0 && string(v[:6]) != number {
			t.Errorf("seed %d: half a commit: %q and %q", seed, number, v[:6])
			return false
		}
		number = string(v[:6])
		n++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprintf("%06d", last-1), fmt.Sprintf("%06d", last)}
	if last == 0 && n == 0 {
		number, n = want[1], keys // the first commit is lost whole
	}
	if n != keys || number != want[0] && number != want[1] {
		t.Errorf("seed %d: %d keys of %d, commit %q; want one of %q", seed, n, keys, number, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
