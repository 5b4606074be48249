package pebble

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/millrace/millrace/state"
)

// write is one entry of a batch: a set, or a deletion.
type write struct {
	key, value []byte
	del        bool
}

// rank stands for a write while a batch is sorted: the eight bytes of its key after the prefix that all keys share decide most comparisons, and 16 bytes move
// where the write has 56.
type rank struct {
	lead  uint64
	index int
}

// sortedBatch is a batch's writes in ascending order of key, each key once: the last write to it. Keys are as Pebble stores them; the slices are
// not to be changed.
type sortedBatch struct {
	writes []write
	order  []rank // nil if the writes are in order as they are
}

func (s *sortedBatch) len() int {
	if s.order == nil {
		return len(s.writes)
	}
	return len(s.order)
}

func (s *sortedBatch) at(i int) *write {
	if s.order == nil {
		return &s.writes[i]
	}
	return &s.writes[s.order[i].index]
}

func sortBatch(b *state.Batch) *sortedBatch {
	all := make([]write, 0, b.Len())
	ascending := true
	var turn turn
	_ = b.Each(func(key, value []byte, del bool) error { // visit returns no error, so Each has none
		key = storedKey(key)
		if n := len(all); ascending && n > 0 && bytes.Compare(all[n-1].key, key) >= 0 {
			ascending = false
		}
		all = append(all, write{key, value, del})
		turn.step()
		return nil
	})
	if ascending {
		return &sortedBatch{writes: all}
	}
	shared := len(sharedPrefix(all))
	ranks := make([]rank, len(all))
	for i := range all {
		ranks[i] = rank{lead(all[i].key[shared:]), i}
	}
	// Among writes to one key the latest comes first, which is the one that stays.
	slices.SortFunc(ranks, func(a, b rank) int {
		turn.step()
		if a.lead != b.lead {
			return cmp.Compare(a.lead, b.lead)
		}
		if c := bytes.Compare(all[a.index].key, all[b.index].key); c != 0 {
			return c
		}
		return cmp.Compare(b.index, a.index)
	})
	ranks = slices.CompactFunc(ranks, func(a, b rank) bool {
		return a.lead == b.lead && bytes.Equal(all[a.index].key, all[b.index].key)
	})
	return &sortedBatch{all, ranks}
}

func sharedPrefix(writes []write) []byte {
	prefix := writes[0].key
	for i := range writes {
		k := writes[i].key
		n := min(len(prefix), len(k))
		for j := range n {
			if prefix[j] != k[j] {
				n = j
				break
			}
		}
		prefix = prefix[:n]
	}
	return prefix
}

// lead is the first eight bytes of k as a number that orders as they do; a shorter key orders as if it went on with zeros, so equal leads decide nothing.
func lead(k []byte) uint64 {
	if len(k) >= 8 {
		return binary.BigEndian.Uint64(k)
	}
	var p [8]byte
	copy(p[:], k)
	return binary.BigEndian.Uint64(p[:])
}
