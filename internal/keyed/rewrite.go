package keyed

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/millrace/millrace/state"
)

// EmptyValue is an entry without cells and timers.
func EmptyValue() Value {
	return Value{Split: -1, Deadline: [domains]int64{None, None}, Indexed: [domains]int64{None, None}, Cells: map[int][]byte{}}
}

// Append appends the stored form that ParseValue takes apart.
func (v Value) Append(dst []byte) ([]byte, error) {
	dst = append(dst, entryVersion)
	dst = binary.AppendUvarint(dst, uint64(v.Split+1))
	for d := range domains {
		dst = binary.AppendVarint(dst, v.Deadline[d])
		dst = binary.AppendVarint(dst, v.Indexed[d])
	}
	for _, i := range slices.Sorted(maps.Keys(v.Cells)) {
		if len(v.Cells[i]) > math.MaxUint32 {
			return dst, fmt.Errorf("cell %d: %d bytes are more than one entry can hold", i, len(v.Cells[i]))
		}
		dst = binary.AppendUvarint(dst, uint64(i+1))
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Cells[i])))
		dst = append(dst, v.Cells[i]...)
	}
	return append(dst, 0), nil
}

// Rewrite adds to a batch what makes the stored entry of a key, before, into after, and what changes in the index of its timers. An entry without cells is none. It is for the state of a
// job that is not running.
func Rewrite(b *state.Batch, operator, shard uint16, key string, before, after Value) error {
	empty := len(after.Cells) == 0
	for d := range domains {
		if at := before.Indexed[d]; at != None {
			b.Delete(appendTimerKey(nil, operator, d, shard, at, key))
		}
		if after.Indexed[d] = after.Deadline[d]; !empty && after.Deadline[d] != None {
			b.Set(appendTimerKey(nil, operator, d, shard, after.Deadline[d], key), nil)
		}
	}
	if empty {
		b.Delete(appendEntryKey(nil, operator, shard, key))
		return nil
	}
	value, err := after.Append(nil)
	if err != nil {
		return err
	}
	b.Set(appendEntryKey(nil, operator, shard, key), value)
	return nil
}
