package keyed

import (
	"math"

	"github.com/millrace/millrace/state"
)

// Snapshot is Begin and all of Slice.
func (s *Store) Snapshot(b *state.Batch) error {
	s.Begin(b)
	_, err := s.Slice(math.MaxInt)
	return err
}

// Begin starts a snapshot: b will hold the entries that are dirty now, as they are now.
func (s *Store) Begin(b *state.Batch) {
	s.batch = b
	s.turn, s.dirty = s.dirty, s.turn[:0]
	for _, e := range s.free {
		e.mark = 0 // the snapshot passes over it
	}
	s.epoch++
}

// Slice encodes up to n entries of the snapshot and reports whether it is complete. The entries stay in memory until Committed.
func (s *Store) Slice(n int) (done bool, err error) {
	if s.batch == nil {
		return true, nil
	}
	for ; n > 0 && len(s.turn) > 0; n-- {
		last := len(s.turn) - 1
		e := s.turn[last]
		s.turn[last] = nil
		s.turn = s.turn[:last]
		if err := s.ahead(e); err != nil {
			return false, err
		}
	}
	if len(s.turn) > 0 {
		return false, nil
	}
	s.batch = nil
	return true, nil
}

// ahead encodes an entry of the snapshot under way before it may change.
func (s *Store) ahead(e *Entry) (err error) {
	snapshot := s.epoch - 1
	if e.mark != snapshot {
		return nil // clean, settled, or changed since
	}
	e.mark = 0
	e.encoded = snapshot
	s.flying++
	s.index(s.batch, e)
	s.key = appendEntryKey(s.key[:0], s.cfg.Operator, e.Shard, e.Key)
	if e.stored = e.filled != 0; !e.stored {
		s.batch.Delete(s.key)
		s.dead = append(s.dead, e)
		return nil
	}
	if s.buf, err = s.encode(s.buf[:0], e); err != nil {
		return err
	}
	s.batch.Set(s.key, s.buf)
	s.average += (float64(len(s.buf)) - s.average) / 64
	return nil
}

// index brings an entry's index records up to date: one that is early enough stays, so that a deadline that only moves later costs nothing, unless the
// entry is to be able to leave memory.
func (s *Store) index(b *state.Batch, e *Entry) {
	for d := range domains {
		t := &e.timers[d]
		want := t.deadline
		if e.filled == 0 {
			want = None
		}
		if have := t.indexed; have != want && (s.pressed || have > want || want == None) {
			if have != None {
				s.key = appendTimerKey(s.key[:0], s.cfg.Operator, d, e.Shard, have, e.Key)
				b.Delete(s.key)
			}
			if want != None {
				s.key = appendTimerKey(s.key[:0], s.cfg.Operator, d, e.Shard, want, e.Key)
				b.Set(s.key, nil)
			}
			t.indexed = want
		}
		if s.pressed && want != None && t.armed != want {
			t.armed = want
			s.queues[d].push(item{want, byKey(e.Key)})
		}
	}
}

// Committed says that the batch of the last snapshot is in the backend.
func (s *Store) Committed() {
	s.durable = s.epoch - 1
	s.flying = 0
	if len(s.gone) == 0 {
		s.gone, s.dead = s.dead, s.gone
	} else {
		s.gone = append(s.gone, s.dead...)
		clear(s.dead)
		s.dead = s.dead[:0]
	}
	s.forget()
}

// forgetEntries is how many entries leave the table at once.
const forgetEntries = 500

// forget lets some of the entries leave whose deletion is committed, so that a checkpoint in which many ended does not stop the stream. One that came back to life, or is in a
// later batch, stays.
func (s *Store) forget() {
	for n := min(forgetEntries, len(s.gone)); n > 0; n-- {
		last := len(s.gone) - 1
		e := s.gone[last]
		s.gone[last] = nil
		s.gone = s.gone[:last]
		if e.filled == 0 && !s.held(e) && e.place >= 0 {
			s.remove(e)
		}
	}
}
