package pebble

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/millrace/millrace/state"
)

type store struct {
	db         *pebble.DB
	opts       *pebble.Options
	fs         *fencedFS
	dir        string
	lock       io.Closer
	write      *pebble.WriteOptions
	ingestOver limits
	gate       gate
	failure    *failure
	running    atomic.Int64 // calls of guarded that have not ended, returned or not

	gets, scans, commits, bytesCommitted, ingests atomic.Int64
}

// closeTimeout bounds how long Close waits for a failed Pebble to wind up.
const closeTimeout = 5 * time.Second

// enter returns an error if the store has failed or is closed; after nil the caller must leave the gate.
func (s *store) enter() error {
	if !s.gate.enter() {
		return fmt.Errorf("pebble: store %s: %w", s.dir, fs.ErrClosed)
	}
	if err := s.failure.err(); err != nil {
		s.gate.leave()
		return err
	}
	return nil
}

// pointRead makes an iterator use the filters of the last level too, which a Pebble Get leaves out: most of the data lies there, and most keys asked for are
// absent. A miss costs a sixth of Get's time with it, a hit no more, and nothing is allocated.
var pointRead = pebble.IterOptions{UseL6Filters: true}

// Get implements state.Store.
func (s *store) Get(key, dst []byte) (value []byte, found bool, err error) {
	if err := s.enter(); err != nil {
		return dst[:0], false, err
	}
	defer s.gate.leave()
	s.gets.Add(1)
	value = dst[:0]
	it, err := s.db.NewIter(&pointRead)
	if err != nil {
		return value, false, s.unread(err)
	}
	// The comparer's prefix is the whole key, so this finds the key or nothing.
	if it.SeekPrefixGE(storedKey(key)) {
		var v []byte
		if v, err = it.ValueAndErr(); err == nil {
			value, found = append(value, v...), true
		}
	}
	if cerr := it.Close(); err == nil {
		err = cerr // of the seek, too
	}
	if err != nil {
		return dst[:0], false, s.unread(err)
	}
	return value, found, nil
}

// MultiGet implements state.Store. One iterator goes forward, so that keys which are near each other share the opening of a table. visit may read and commit.
func (s *store) MultiGet(keys [][]byte, visit func(i int, value []byte) error) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	s.gets.Add(int64(len(keys)))
	it, err := s.db.NewIter(&pointRead)
	if err != nil {
		return s.unread(err)
	}
	defer func() {
		if cerr := it.Close(); err == nil {
			err = s.unread(cerr)
		}
	}()
	for i, key := range keys {
		if !it.SeekPrefixGE(storedKey(key)) {
			if err := it.Error(); err != nil {
				return s.unread(err)
			}
			continue
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return s.unread(err)
		}
		if err := visit(i, v); err != nil {
			return err
		}
	}
	return nil
}

// unread says what a look-up failed of.
func (s *store) unread(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("pebble: get from %s: %w", s.dir, describe(s.dir, err))
}

// Scan implements state.Store. visit may read and commit; it must not close the store.
func (s *store) Scan(from, to []byte, visit func(key, value []byte) bool) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	s.scans.Add(1)
	bounds := pebble.IterOptions{LowerBound: storedKey(from)}
	if to != nil {
		bounds.UpperBound = storedKey(to)
	}
	it, err := s.db.NewIter(&bounds)
	if err != nil {
		return fmt.Errorf("pebble: scan %s: %w", s.dir, describe(s.dir, err))
	}
	defer func() { // also when visit panics
		if err = errors.Join(err, it.Close()); err != nil {
			err = fmt.Errorf("pebble: scan %s: %w", s.dir, describe(s.dir, err))
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if !visit(userKey(it.Key()), v) {
			break
		}
	}
	return nil
}

// Stats implements state.Store. Gets are those that reached Pebble, found or not.
func (s *store) Stats() state.Stats {
	st := state.Stats{
		Gets:           s.gets.Load(),
		Scans:          s.scans.Load(),
		Commits:        s.commits.Load(),
		BytesCommitted: s.bytesCommitted.Load(),
	}
	if s.enter() == nil {
		st.DiskBytes = int64(s.db.Metrics().DiskSpaceUsage())
		s.gate.leave()
	}
	return st
}

// Close waits for the calls under way, flushes, and releases the directory. A second Close does nothing. Of a store that has failed it returns the failure;
// what of Pebble cannot be closed then is left behind without access to the files, and only if a write to them hangs does the directory stay locked.
func (s *store) Close() error {
	if !s.gate.shutAndWait() {
		return nil
	}
	var closed bool
	err := s.failure.err()
	if err == nil {
		err = s.guarded(s.closeDB)
		closed = s.failure.err() == nil
	} else {
		closed = s.closeFailed()
	}
	if !closed {
		s.failure.log.Warn("the failed store cannot be closed; its memory stays taken until the process ends")
		if !s.failure.isolate(closeTimeout) {
			return errors.Join(err, fmt.Errorf("pebble: a write to %s hangs; the directory stays locked until the process ends", s.dir))
		}
	}
	return joinClose(err, s.lock)
}

// closeDB flushes first, so that the next open has no log to replay. After a flush that failed the log still holds everything.
func (s *store) closeDB() error {
	if s.opts.DisableWAL {
		return describe(s.dir, s.db.Close())
	}
	flushed := s.db.Flush()
	closed := s.db.Close()
	if err := errors.Join(flushed, closed); err != nil {
		return fmt.Errorf("pebble: close %s: %w", s.dir, describe(s.dir, err))
	}
	return writeSeal(s.fs, s.dir)
}

// closeFailed closes a Pebble that has failed and reports whether it could: a call that is still under way holds locks, maybe for ever. Nothing is flushed.
func (s *store) closeFailed() bool {
	if s.running.Load() > 0 || s.failure.frozen.Load() {
		return false
	}
	s.failure.closing.Store(true)
	done := make(chan bool, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				s.failure.log.Debug("closing the failed store panicked", "panic", p)
				done <- false
			}
		}()
		if err := s.db.Close(); err != nil {
			s.failure.log.Debug("closing the failed store", "error", err)
		}
		done <- true
	}()
	t := time.NewTimer(closeTimeout)
	defer t.Stop()
	select {
	case ok := <-done:
		return ok
	case <-t.C:
		return false
	}
}
