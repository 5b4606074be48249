package statetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/millrace/millrace/state"
)

// Each writer gives all its keys one value per commit, so a reader that sees two values in one scan has seen half a commit, and one that sees an older value
// than before has gone back in time.
func testConcurrent(t *testing.T, f *fixture) {
	const writers, keys, rounds = 4, 50, 25
	key := func(w, i int) []byte { return fmt.Appendf(nil, "%d/%03d", w, i) }
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			var dst []byte
			for round := range rounds {
				var b state.Batch
				want := fmt.Appendf(nil, "%06d", round)
				for i := range keys {
					b.Set(key(w, i), want)
				}
				if err := f.store.Commit(&b); err != nil {
					t.Errorf("commit: %v", err)
					return
				}
				got, _, err := f.store.Get(key(w, round%keys), dst)
				if err != nil || string(got) != string(want) {
					t.Errorf("get after the commit returned = %q, %v; want %q", got, err, want)
					return
				}
				dst = got
			}
		})
		reading.Go(func() {
			seen := ""
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, now := 0, ""
				err := f.store.Scan(key(w, 0), key(w, keys), func(k, v []byte) bool {
					if n > 0 && string(v) != now {
						t.Errorf("scan sees %q and %q of one writer", now, v)
						return false
					}
					now = string(v)
					n++
					return true
				})
				if err != nil || n != 0 && n != keys || now < seen {
					t.Errorf("scan: %v, %d keys of %d, value %q after %q", err, n, keys, now, seen)
				}
				if t.Failed() {
					return
				}
				seen = now
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	for w := range writers {
		for i := range keys {
			f.model[string(key(w, i))] = fmt.Sprintf("%06d", rounds-1)
		}
	}
	f.wantAll()
	if f.dir != "" {
		f.reopen()
		f.wantAll()
	}
}
