package memory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/RaduBerinde/btreemap"

	"github.com/millrace/millrace/state"
)

// tree is the content at one moment. A published tree is never changed: a commit changes a copy, which shares with it all nodes that it did not touch.
type tree = btreemap.BTreeMap[[]byte, []byte]

const treeDegree = 32

func newTree() *tree { return btreemap.New[[]byte, []byte](treeDegree, bytes.Compare) }

type store struct {
	content atomic.Pointer[tree]
	disk    *generations // nil without a directory
	lock    io.Closer

	turn chan struct{} // held by the one who changes content; Close keeps it
	mu   sync.Mutex
	next *group // commits that wait for the turn; nil if none does

	closed                                          atomic.Bool
	gets, scans, commits, bytesCommitted, diskBytes atomic.Int64
}

// group is a number of commits that become durable together.
type group struct {
	batches []*state.Batch
	done    chan struct{} // closed when err is set
	err     error
}

func (s *store) open() error {
	if s.closed.Load() {
		return fmt.Errorf("memory: store: %w", fs.ErrClosed)
	}
	return nil
}

// Get implements state.Store.
func (s *store) Get(key, dst []byte) (value []byte, found bool, err error) {
	if err := s.open(); err != nil {
		return dst[:0], false, err
	}
	s.gets.Add(1)
	_, v, ok := s.content.Load().Get(key)
	return append(dst[:0], v...), ok, nil
}

// MultiGet implements state.Store. visit may read and commit, and must not change the value.
func (s *store) MultiGet(keys [][]byte, visit func(i int, value []byte) error) error {
	if err := s.open(); err != nil {
		return err
	}
	s.gets.Add(int64(len(keys)))
	content := s.content.Load()
	for i, key := range keys {
		if _, v, ok := content.Get(key); ok {
			if err := visit(i, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// Scan implements state.Store. visit may read and commit, and must not change the slices.
func (s *store) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	if err := s.open(); err != nil {
		return err
	}
	s.scans.Add(1)
	end := btreemap.Max[[]byte]()
	if to != nil {
		end = btreemap.LT(to)
	}
	s.content.Load().AscendFunc(btreemap.GE(from), end, visit)
	return nil
}

// Commit implements state.Store. Commits that wait for one another are applied in the order of their calls. After an error none of the group's batches is seen by
// reads; if the error says that the store has failed, whether they are on disk shows when it is opened again.
func (s *store) Commit(b *state.Batch) error {
	if err := s.open(); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	s.mu.Lock()
	g, leads := s.next, false
	if g == nil {
		g, leads = &group{done: make(chan struct{})}, true
		s.next = g
	}
	g.batches = append(g.batches, b)
	s.mu.Unlock()
	if leads {
		s.turn <- struct{}{}
		s.mu.Lock()
		s.next = nil
		s.mu.Unlock()
		g.err = s.commitGroup(g.batches)
		<-s.turn
		close(g.done)
	}
	<-g.done
	if g.err != nil {
		return g.err
	}
	s.commits.Add(1)
	s.bytesCommitted.Add(b.Bytes())
	return nil
}

// commitGroup changes a copy, makes it durable and publishes it. The caller holds the turn.
func (s *store) commitGroup(batches []*state.Batch) error {
	if err := s.open(); err != nil {
		return err
	}
	t := s.content.Load().Clone()
	for _, b := range batches {
		apply(t, b)
	}
	if s.disk != nil {
		size, err := s.disk.write(t)
		if err != nil {
			return fmt.Errorf("memory: commit: %w", err)
		}
		s.diskBytes.Store(size)
	}
	s.content.Store(t)
	return nil
}

// apply copies what it keeps: a batch holds many entries in one piece of memory, which one survivor would keep alive.
func apply(t *tree, b *state.Batch) {
	_ = b.Each(func(key, value []byte, del bool) error { // visit returns no error, so Each has none
		if del {
			t.Delete(key)
			return nil
		}
		entry := make([]byte, 0, len(key)+len(value))
		entry = append(append(entry, key...), value...)
		t.ReplaceOrInsert(entry[:len(key):len(key)], entry[len(key):])
		return nil
	})
}

// Stats implements state.Store. DiskBytes is the length of the last snapshot.
func (s *store) Stats() state.Stats {
	return state.Stats{
		Gets:           s.gets.Load(),
		Scans:          s.scans.Load(),
		Commits:        s.commits.Load(),
		BytesCommitted: s.bytesCommitted.Load(),
		DiskBytes:      s.diskBytes.Load(),
	}
}

// Close waits for the commit under way; commits behind it fail. A second Close does nothing.
func (s *store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.content.Store(newTree())
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

func joinClose(err error, c io.Closer) error {
	if cerr := c.Close(); cerr != nil {
		return errors.Join(err, cerr)
	}
	return err
}
