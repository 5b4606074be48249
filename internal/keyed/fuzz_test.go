package keyed

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/state"
)

// FuzzStored takes any bytes for a stored key and a stored entry. What is taken apart without the cells' types is what a store reads and what it writes again.
func FuzzStored(f *testing.F) {
	s := New(Config{ShardOf: func([]byte) uint16 { return 5 }})
	name, count := NewCell(s, "name", scalar.String{}), NewCell(s, "count", scalar.Int[int64]{})
	e := s.insert([]byte("ada"))
	e.Split, e.timers[EventTime].deadline, e.timers[EventTime].indexed = 3, math.MinInt64, math.MaxInt64-1
	*name.Ensure(e), *count.Ensure(e) = "Lovelace", 1815
	whole, err := s.encode(nil, e)
	require.NoError(f, err)
	s.remove(e)
	f.Add(EntryKey(7, 5, "ada"), whole)
	f.Add(appendTimerKey(nil, 7, ProcessingTime, 5, -90, "ada"), whole[:len(whole)/2])
	head := whole[:bytes.Index(whole, []byte("Lovelace"))-5]
	f.Add([]byte("s\x00\x01\x00\x05"), append(binary.AppendUvarint(bytes.Clone(head), 1<<63+1), 0, 0, 0, 0, 0)) // a cell's number that is negative as an int
	f.Add([]byte("t"), append(bytes.Clone(head), 1, 0xff, 0xff, 0xff, 0xff))                                    // a cell of 4 GiB
	f.Add([]byte{}, append(binary.AppendUvarint([]byte{entryVersion}, 1<<40), whole[2:]...))                    // a split of more than 31 bits
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if p, ok := ParsePlace(key); ok {
			again := EntryKey(p.Operator, p.Shard, string(p.Key))
			if p.Timer {
				again = appendTimerKey(nil, p.Operator, p.Domain, p.Shard, p.At, string(p.Key))
			}
			require.Equal(t, key, again)
		}
		v, err := ParseValue(value)
		e := s.insert([]byte("key"))
		defer s.remove(e)
		stored := s.decode(e, value)
		if err != nil {
			require.ErrorIs(t, err, state.ErrCorrupt)
			require.Error(t, stored)
			return
		}
		if stored != nil {
			return // a cell that the operator does not have, or one that is no number
		}
		require.Equal(t, v.Split, e.Split)
		for d := range domains {
			require.Equal(t, v.Deadline[d], e.timers[d].deadline)
		}
		require.Len(t, v.Cells, int(e.filled))
		b, err := s.encode(nil, e)
		require.NoError(t, err)
		again, err := ParseValue(b)
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}
