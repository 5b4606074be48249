package pebble

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/state"
)

// Commit implements state.Store. Concurrent commits must touch disjoint keys. After an error the batch is in the store whole or not at all; if the error ended
// the store, which of both shows when it is opened again.
func (s *store) Commit(b *state.Batch) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if b.Len() == 0 {
		return nil
	}
	size := b.Bytes()
	err := s.guarded(func() error {
		writes := sortBatch(b)
		if writes.len() > s.ingestOver.writes || size > s.ingestOver.bytes {
			return s.ingest(writes)
		}
		return s.commitBatch(writes, size)
	})
	if err != nil {
		return fmt.Errorf("pebble: commit of %d writes to %s: %w", b.Len(), s.dir, err)
	}
	s.commits.Add(1)
	s.bytesCommitted.Add(size)
	return nil
}

// commitBatch goes through the write-ahead log, sized beforehand: a buffer that doubles would copy the batch several times.
func (s *store) commitBatch(writes *sortedBatch, size int64) error {
	const perWrite = 1 + 2*binary.MaxVarintLen32
	b := s.db.NewBatchWithSize(int(size) + writes.len()*perWrite + 64)
	var turn turn
	for i := range writes.len() {
		turn.step()
		w := writes.at(i)
		var err error
		if w.del {
			err = b.Delete(w.key, nil)
		} else {
			err = b.Set(w.key, w.value, nil)
		}
		if err != nil {
			return joinClose(err, b)
		}
	}
	if err := b.Commit(s.write); err != nil {
		return describe(s.dir, err)
	}
	if s.failure.err() != nil {
		return nil //nolint:nilerr // the failure is returned by guarded; a batch that Pebble may still hold is not to be closed
	}
	return b.Close()
}

// guarded runs work, which calls into Pebble, so that a failure of the store ends the call even where Pebble would wait for background work that
// cannot succeed any more, or panics with its log broken. What is left of such work can only wait: nothing it does reaches the disk.
func (s *store) guarded(work func() error) error {
	done := make(chan error, 1)
	s.running.Add(1)
	go func() {
		err := s.recovered(work)
		s.running.Add(-1)
		done <- err
	}()
	select {
	case err := <-done:
		if ferr := s.failure.err(); ferr != nil {
			return ferr
		}
		return err
	case <-s.failure.done:
		return s.failure.err()
	}
}

func (s *store) recovered(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.failure.fence(fmt.Errorf("pebble: store %s failed: panic: %v", s.dir, p))
			err = s.failure.err()
		}
	}()
	return work()
}
