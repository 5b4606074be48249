package keyed

import (
	"bytes"
	"slices"
	"unsafe"
)

// fetch is a number of look-ups in the backend that are done together: in a store of sorted tables neighbouring keys share most of what a look-up costs.
type fetch struct {
	bytes  []byte // of the keys, as the backend has them
	ends   []int  // of each in bytes
	keys   [][]byte
	absent [][]byte // those that the backend does not have, sorted, until entries leave the table
	seen   int64    // records since it was last judged whether this is worth it
	before int64    // look-ups there had been then
	worth  bool
}

const (
	// fetchShare is how many records there may be to a look-up for Fetch to be worth it: where nearly all are in the table, to look twice costs more.
	fetchShare = 16
	// fetchSample is how many records it takes to judge that.
	fetchSample = 16 * fetchShare
)

// Expecting reports whether as many records as are about to come are worth Expect and Fetch, going by the look-ups that those before them needed.
func (s *Store) Expecting(records int) bool {
	f := &s.fetch
	if f.seen >= fetchSample {
		now := s.stats.Reads + s.stats.Misses
		f.worth = fetchShare*(now-f.before) >= f.seen
		f.seen, f.before = 0, now
	}
	f.seen += int64(records)
	return f.worth && !s.absent
}

// Expect says that key will be asked for before entries next leave the table.
func (s *Store) Expect(key []byte) {
	if s.table.find(key) != nil {
		return
	}
	f := &s.fetch
	f.absent = f.absent[:0] // their bytes are used again
	f.bytes = appendEntryKey(f.bytes, s.cfg.Operator, s.cfg.ShardOf(key), unsafe.String(unsafe.SliceData(key), len(key)))
	f.ends = append(f.ends, len(f.bytes))
}

// Fetch brings the expected entries into the table, and remembers which there are none of.
func (s *Store) Fetch() error {
	f := &s.fetch
	f.keys = f.keys[:0]
	begin := 0
	for _, end := range f.ends {
		f.keys = append(f.keys, f.bytes[begin:end])
		begin = end
	}
	f.bytes, f.ends = f.bytes[:0], f.ends[:0] // the keys stay where they are until the next Expect
	if len(f.keys) == 0 {
		return nil
	}
	slices.SortFunc(f.keys, bytes.Compare)
	f.keys = slices.CompactFunc(f.keys, bytes.Equal)
	next := 0
	err := s.cfg.Backend.MultiGet(f.keys, func(i int, value []byte) error {
		f.absent = append(f.absent, f.keys[next:i]...)
		next = i + 1
		_, err := s.place(f.keys[i][entryKeyHead:], value)
		return err
	})
	if err != nil {
		return err
	}
	f.absent = append(f.absent, f.keys[next:]...)
	s.stats.Misses += int64(len(f.absent))
	return nil
}

// lacks reports whether Fetch found no entry under a key, given as the backend has it. Until entries leave the table none can have come there.
func (f *fetch) lacks(key []byte) bool {
	if len(f.absent) == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(f.absent, key, bytes.Compare)
	return found
}
