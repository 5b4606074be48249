package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
)

// A disk that breaks ends the store with its error, in bounded time and not the process, and opening it on a mended disk shows every commit that returned.
func TestBrokenDisk(t *testing.T) {
	isFile := func(part string) func(errorfs.Op) bool {
		return func(op errorfs.Op) bool { return strings.Contains(op.Path, part) }
	}
	kinds := map[string]func(errorfs.Op) bool{
		"log":        isFile(".log"),
		"log create": func(op errorfs.Op) bool { return op.Kind == errorfs.OpCreate && isFile(".log")(op) },
		"log sync":   func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileSyncData && isFile(".log")(op) },
		"manifest":   isFile("MANIFEST"),
		"tables":     isFile(".sst"),
		"directory":  func(op errorfs.Op) bool { return op.Kind == errorfs.OpFileSync && strings.HasSuffix(op.Path, "db") },
		"everything": func(errorfs.Op) bool { return true },
	}
	for name, hits := range kinds {
		for _, ingest := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ingest=%v", name, ingest), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(3) {
					breakDisk(t, hits, ingest, seed)
				}
			})
		}
	}
}

func breakDisk(t *testing.T, hits func(errorfs.Op) bool, ingest bool, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var broken atomic.Bool
	after := atomic.Int64{}
	after.Store(int64(r.IntN(100)))
	disk := vfs.NewMem()
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && broken.Load() && hits(op) && after.Add(-1) < 0 {
			return errorfs.ErrInjected
		}
		return nil
	}))
	opts := []pebble.Option{quiet}
	if ingest {
		opts = append(opts, pebble.IngestOver(150, 0))
	}
	s, err := pebble.Backend(append(opts, pebble.FS(fs))...).Open("db", 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	const writers, rounds = 3, 60
	var committed [writers]int
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := 1; n <= rounds; n++ {
				if err := s.Commit(numbered(w, n)); err != nil {
					if !errors.Is(err, errorfs.ErrInjected) {
						t.Errorf("seed %d: commit: %v; want the disk's error", seed, err)
					}
					return
				}
				committed[w] = n
			}
		})
	}
	within(t, "commits", wg.Wait)
	within(t, "close", func() {
		if err := s.Close(); err != nil && !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("seed %d: close: %v; want the disk's error", seed, err)
		}
	})
	broken.Store(false)

	s, err = pebble.Backend(quiet, pebble.FS(disk)).Open("db", 4<<20)
	if err != nil {
		t.Fatalf("seed %d: open on the mended disk: %v", seed, err)
	}
	defer s.Close()
	for w, last := range committed {
		seen := map[string]int{}
		err := s.Scan(fmt.Appendf(nil, "%d/", w), fmt.Appendf(nil, "%d0", w), func(_, v []byte) bool {
			seen[string(v[:6])]++
			return true
		})
		// The commit that got the error may be there whole.
		a, b := seen[fmt.Sprintf("%06d", last)], seen[fmt.Sprintf("%06d", last+1)]
		if err != nil || len(seen) > 1 || last > 0 && a != numberedKeys && b != numberedKeys {
			t.Errorf("seed %d: writer %d: commit %d returned, found %v, %v", seed, w, last, seen, err)
		}
	}
}

const numberedKeys = 200

func numbered(writer, n int) *state.Batch {
	b := new(state.Batch)
	for i := range numberedKeys {
		b.Set(fmt.Appendf(nil, "%d/%03d", writer, i), fmt.Appendf(nil, "%06d%0300d", n, i))
	}
	return b
}

func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not end", what)
	}
}
