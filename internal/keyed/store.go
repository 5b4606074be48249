// Package keyed is the state of one keyed operator in one task: a table of live objects over a backend of bytes.
//
// The table holds, for each key in use, an Entry whose cells are live Go values; an update is a table hit and touches no bytes. What changed since the last
// checkpoint is dirty. Begin starts a snapshot of the dirty entries; Slice encodes some of them into the checkpoint's batch, between records, and an entry
// that is needed before its turn is encoded first, so that the batch holds the state at Begin and the stream does not stop. When the batch is committed the
// entries are clean and may leave memory. A key that is not in the table is read from the backend when it is next needed.
//
// Timers are part of an entry: the operator keeps its own list and tells the store only the earliest (Entry deadline). The store keeps one heap item
// per key and domain, which may be earlier than the deadline: moving a deadline later costs nothing until the item comes up. A durable index of
// (time, key) makes restart independent of the amount of state: items are read from it in order of time, as time gets near them.
//
// Invariants:
//  1. an entry that is dirty, or encoded in a batch that is not committed, is in the table;
//  2. a key with committed state that is not in the table has, per domain with a deadline, exactly one index record, at or before the deadline; if that is before the
//     shard's horizon, or the heap had to keep it, the heap has an item for the key at or before the deadline;
//  3. an entry in the table with a deadline has a heap item at or before it, at Entry.armed.
//
// A Store belongs to one task and is not safe for concurrent use; its backend is.
package keyed

import (
	"math"
	"sync/atomic"

	"github.com/millrace/millrace/state"
)

// None is the deadline of an entry without timers.
const None int64 = math.MaxInt64

// Config is what a Store needs to know.
type Config struct {
	Backend  state.Store
	Operator uint16
	// Shards that this store owns: key groups, or one partition.
	Shards []uint16
	// ShardOf says which of them a new key belongs to.
	ShardOf func(key []byte) uint16
	// Loaded says that the backend may already hold entries of this operator.
	Loaded bool
}

// Store is one operator's keyed state in one task.
type Store struct {
	cfg      Config
	budget   atomic.Int64 // bound of the table's memory in bytes, by estimate; 0 for none
	cells    []cell
	slots    []reader // how what is stored under each number is read; nil before Bind
	numbers  []int    // the number that each cell is stored under; nil before Bind
	table    table
	ring     []*Entry // the entries of the table, in the order the clock hand visits them
	hand     int
	free     []*Entry     // to be used again, at most maxFree
	dirty    []*Entry     // marked with epoch
	turn     []*Entry     // of the snapshot under way: marked with the epoch before, where not encoded yet
	dead     []*Entry     // empty, their deletion encoded but not committed
	gone     []*Entry     // of these, those whose deletion is committed, and that have to leave the table
	batch    *state.Batch // of the snapshot under way, else nil
	epoch    uint32       // counts snapshots, from 1
	durable  uint32       // the last snapshot that is committed
	flying   int          // entries in a batch that is not committed
	absent   bool         // the backend holds no entry that is not in the table
	queues   [domains]queue
	fetch    fetch
	key, buf []byte
	average  float64 // bytes of an entry, by the encoded sizes seen
	pressed  bool    // the budget was reached: index records are kept exact, so that entries can leave
	touched  uint32  // nothing but what Touch has read, which would not be read otherwise
	stats    Stats
}

// Stats counts what the store did. Reads are entries read from the backend, Misses look-ups there that found nothing.
type Stats struct {
	Entries, DirtyEntries      int
	Reads, Misses, Evictions   int64
	EstimatedBytes, TimerItems int64
}

// New makes a store; declare its cells next.
func New(cfg Config) *Store {
	s := &Store{cfg: cfg, table: newTable(), absent: !cfg.Loaded, average: 64, epoch: 1}
	for d := range s.queues {
		s.queues[d].init(cfg.Shards, cfg.Loaded)
	}
	return s
}

// Find is the entry of key, from memory or the backend, or nil.
func (s *Store) Find(key []byte) (*Entry, error) { return s.hashed(key, Hash(key)) }

func (s *Store) hashed(key []byte, hash uint64) (*Entry, error) {
	if e := s.table.hashed(key, hash); e != nil {
		e.used = true
		if s.batch != nil {
			return e, s.ahead(e)
		}
		return e, nil
	}
	if s.absent {
		return nil, nil
	}
	return s.load(string(key))
}

// Touch reads what a look-up of a key with this hash will read, and forgets it: see flow.Expecter. It may be another key's.
func (s *Store) Touch(hash uint64) {
	if e := s.table.page(hash).slots[home(hash)].e; e != nil {
		s.touched += uint32(e.filled) + uint32(e.items) // one in each line
	}
}

// Entry is Find that makes an entry where there is none; made tells. hash is Hash of the key, or 0 where it is not known. An entry that stays empty is forgotten again by Settle.
func (s *Store) Entry(key []byte, hash uint64) (e *Entry, made bool, err error) {
	if hash == 0 {
		hash = Hash(key)
	}
	if e, err = s.hashed(key, hash); e != nil || err != nil {
		return e, false, err
	}
	return s.insert(key), true, nil
}

func (s *Store) insert(key []byte) *Entry {
	var e *Entry
	if last := len(s.free) - 1; last >= 0 {
		e = s.free[last]
		s.free = s.free[:last]
	} else {
		e = newEntry(len(s.cells))
	}
	e.begin(key)
	e.place, e.Shard = int32(len(s.ring)), s.cfg.ShardOf(key)
	s.table.add(e)
	s.ring = append(s.ring, e)
	return e
}

func (s *Store) remove(e *Entry) {
	s.table.remove(e)
	last := s.ring[len(s.ring)-1]
	s.ring[e.place], last.place = last, e.place
	e.place = -1
	s.ring[len(s.ring)-1] = nil
	s.ring = s.ring[:len(s.ring)-1]
	for _, c := range s.cells {
		c.drop(e)
	}
}

// load reads an entry from the backend.
func (s *Store) load(key string) (*Entry, error) {
	s.key = append(s.key[:0], key...)
	s.key = appendEntryKey(s.key[:0], s.cfg.Operator, s.cfg.ShardOf(s.key), key)
	if s.fetch.lacks(s.key) {
		return nil, nil
	}
	value, found, err := s.cfg.Backend.Get(s.key, s.buf)
	if err != nil {
		return nil, err
	}
	if !found {
		s.stats.Misses++
		return nil, nil
	}
	s.buf = value
	return s.place(s.key[entryKeyHead:], value)
}

// place makes an entry of what the backend has under key.
func (s *Store) place(key, value []byte) (*Entry, error) {
	s.stats.Reads++
	e := s.insert(key)
	if err := s.decode(e, value); err != nil {
		s.remove(e)
		return nil, err
	}
	e.stored = true
	for d := range domains {
		s.queues[d].adopt(e, d)
	}
	return e, nil
}

// Dirty says that the entry's values changed.
func (s *Store) Dirty(e *Entry) {
	if e.mark != s.epoch {
		e.mark = s.epoch
		s.dirty = append(s.dirty, e)
	}
}

// Settle ends work on an entry: an empty one that nobody needs any more leaves the table.
func (s *Store) Settle(e *Entry) {
	if e.filled == 0 && !e.stored && e.encoded <= s.durable {
		s.remove(e)
		s.release(e)
	}
}

// maxFree is how many entries wait to be used again: short-lived ones then stay in the processor's caches, and are no work for the collector.
const maxFree = 4096

// release lets an entry be used again, if nothing but the list of dirty entries knows it. There it stays with its mark, so that it is not listed twice.
func (s *Store) release(e *Entry) {
	if e.encoded == 0 && e.items == 0 && len(s.free) < maxFree {
		s.free = append(s.free, e)
		return
	}
	e.mark = 0 // the snapshot passes over it
}

// Stats tells what the store did and holds.
func (s *Store) Stats() Stats {
	st := s.stats
	st.Entries, st.DirtyEntries, st.EstimatedBytes = len(s.ring), len(s.dirty), s.bytes()
	for d := range s.queues {
		st.TimerItems += int64(len(s.queues[d].heap))
	}
	return st
}
