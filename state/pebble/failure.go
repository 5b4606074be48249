package pebble

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/state"
)

// failure holds the first error that ended a store. Safe for concurrent use.
type failure struct {
	dir  string
	log  *slog.Logger
	once sync.Once
	at   atomic.Pointer[error]
	done chan struct{} // closed when the store has failed

	fenced  atomic.Bool // nothing more may reach the disk
	opened  atomic.Bool // Pebble is past the part in which it returns every error
	closing atomic.Bool // nobody but Close calls Pebble any more, and it takes errors again
	frozen  atomic.Bool // some call into Pebble will never return

	underway atomic.Int64 // writing operations on the file system

	backgroundErrors atomic.Int32 // in a row
}

// maxBackgroundErrors is how often in a row a flush or compaction may fail and be tried again before the store counts as failed.
const maxBackgroundErrors = 20

func newFailure(dir string, log *slog.Logger) *failure {
	return &failure{dir: dir, log: log.With("store", dir), done: make(chan struct{})}
}

// fence records err unless the store has failed before, and lets nothing more reach the disk.
func (f *failure) fence(err error) {
	f.fenced.Store(true)
	f.set(err)
}

// set records err unless the store has failed before. Pebble itself is sound, so it can be closed.
func (f *failure) set(err error) {
	f.once.Do(func() {
		err = storeError{err}
		f.at.Store(&err)
		close(f.done)
		f.log.Error("state store failed", "error", err)
	})
}

// storeError is an error that ended a store.
type storeError struct{ error }

func (e storeError) Unwrap() []error { return []error{e.error, state.ErrFailed} }

// isolate raises the fence and reports whether no operation is under way any more, which it waits for at most the given time.
func (f *failure) isolate(wait time.Duration) bool {
	f.fenced.Store(true)
	for end := time.Now().Add(wait); f.underway.Load() > 0; time.Sleep(fencePause) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// freeze never returns. The goroutine is Pebble's own or one of guarded's, and the failure has been set.
func (f *failure) freeze() {
	f.frozen.Store(true)
	select {}
}

// err returns the error that ended the store, nil while it works.
func (f *failure) err() error {
	if p := f.at.Load(); p != nil {
		return *p
	}
	return nil
}

// logger is what Pebble logs to.
type logger struct{ *failure }

func (l logger) Infof(format string, args ...any) {
	l.log.Debug(fmt.Sprintf(format, args...))
}

func (l logger) Errorf(format string, args ...any) {
	l.log.Warn(fmt.Sprintf(format, args...))
}

// Fatalf ends the store. It returns, other than Pebble expects: what Pebble goes on to do stays in memory, since the fence is up, and its result is not used,
// since every caller looks at the failure before it believes a success.
func (l logger) Fatalf(format string, args ...any) {
	for _, a := range args {
		if cause, ok := a.(error); ok {
			l.fence(fmt.Errorf("pebble: store %s failed: %w; repair the cause and open it again", l.dir, describe(l.dir, cause)))
			return
		}
	}
	l.fence(fmt.Errorf("pebble: store %s failed: %s; repair the cause and open it again", l.dir, fmt.Sprintf(format, args...)))
}

// listener turns damage found in the background into the store's failure, and bounds how often background work is tried again.
func listener(f *failure) *pebble.EventListener {
	worked := func(err error) {
		if err == nil {
			f.backgroundErrors.Store(0)
		}
	}
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if f.err() != nil || errors.Is(err, pebble.ErrCancelledCompaction) {
				return
			}
			f.log.Warn("background work failed and is tried again", "error", err)
			if n := f.backgroundErrors.Add(1); n >= maxBackgroundErrors {
				f.set(fmt.Errorf("pebble: store %s failed: flush or compaction failed %d times in a row: %w", f.dir, n, describe(f.dir, err)))
			}
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			f.set(fmt.Errorf("pebble: %w: %s: %w", state.ErrCorrupt, i.Path, i.Details))
		},
		FlushEnd:      func(i pebble.FlushInfo) { worked(i.Err) },
		CompactionEnd: func(i pebble.CompactionInfo) { worked(i.Err) },
	}
}
