package table

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"github.com/millrace/millrace/sink"
)

// Last finds the last row of each key in a batch, so that one statement touches no row of a table twice.
// It reuses its memory from batch to batch and serves one goroutine. Make it with NewLast.
type Last[T any] struct {
	keys  []Column[T]
	seed  maphash.Seed
	slots []int32 // open addressing; the index of an entry plus 1, or 0
	found []entry
	arena []byte // the keys of found, one after the other

	upserts, deletes []int32
}

type entry struct {
	hash       uint64
	start, end int // key bytes in arena
	row        int32
}

// NewLast makes a Last for rows of these columns, which must have a key.
func NewLast[T any](columns Columns[T]) *Last[T] {
	return &Last[T]{keys: columns.Keys(), seed: maphash.MakeSeed()}
}

// Split gives the indexes of the rows that count, apart by what they ask for, each in the order in which its key came first.
// The slices are valid until the next call.
func (l *Last[T]) Split(rows []sink.Row[T]) (upserts, deletes []int32) {
	l.reset(len(rows))
	for i := range rows {
		start := len(l.arena)
		for k := range l.keys {
			l.arena = l.keys[k].appendKey(l.arena, rows[i].Value)
		}
		l.put(start, int32(i))
	}
	l.upserts, l.deletes = l.upserts[:0], l.deletes[:0]
	for _, e := range l.found {
		if rows[e.row].Op == sink.Delete {
			l.deletes = append(l.deletes, e.row)
		} else {
			l.upserts = append(l.upserts, e.row)
		}
	}
	return l.upserts, l.deletes
}

func (l *Last[T]) reset(rows int) {
	size := 16
	for size < rows*2 {
		size *= 2
	}
	if cap(l.slots) < size {
		l.slots = make([]int32, size)
	} else {
		l.slots = l.slots[:size]
		clear(l.slots)
	}
	l.found, l.arena = l.found[:0], l.arena[:0]
}

// put enters the row whose key is the end of the arena, from start; a known key's bytes are given back.
func (l *Last[T]) put(start int, row int32) {
	key := l.arena[start:]
	hash := maphash.Bytes(l.seed, key)
	mask := uint64(len(l.slots) - 1)
	for slot := hash & mask; ; slot = (slot + 1) & mask {
		at := l.slots[slot]
		if at == 0 {
			l.found = append(l.found, entry{hash, start, len(l.arena), row})
			l.slots[slot] = int32(len(l.found))
			return
		}
		if e := &l.found[at-1]; e.hash == hash && bytes.Equal(l.arena[e.start:e.end], key) {
			e.row = row
			l.arena = l.arena[:start]
			return
		}
	}
}

// appendKey appends the value such that different keys of the same columns give different bytes.
func (c *Column[T]) appendKey(dst []byte, row T) []byte {
	switch c.typ {
	case TextType:
		text := c.text(row)
		return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	case IntType:
		return binary.BigEndian.AppendUint64(dst, uint64(c.int(row)))
	case BoolType:
		if c.bool(row) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case BytesType:
		raw := c.bytes(row)
		return append(binary.AppendUvarint(dst, uint64(len(raw))), raw...)
	case TimeType:
		t := c.time(row) // its microseconds may not fit 64 bits
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, uint64(t.Unix())), uint32(t.Nanosecond()/1000))
	}
	return dst
}
