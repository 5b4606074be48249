package keyed

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millrace/millrace/state"
)

// The stored form of keyed state, all integers big-endian so that bytes sort as numbers do:
//
//	's' operator(2) shard(2) key              -> an entry
//	't' operator(2) domain(1) shard(2) time(8) key -> nothing: the key has a timer at or after time
//
// An entry is a version byte, the split it is bound to + 1, the two times it is indexed under, then its cells, each as the number of its slot + 1
// (0 ends the list), length and bytes. A key has at most one index record per domain, at or before its earliest timer: a timer that moves later leaves it where it is.
const (
	entryPrefix  = 's'
	timerPrefix  = 't'
	entryVersion = 1
)

// Domain is a kind of time.
type Domain uint8

const (
	EventTime Domain = iota
	ProcessingTime
	domains
)

const entryKeyHead = 1 + 2 + 2

func appendEntryKey(dst []byte, operator, shard uint16, key string) []byte {
	dst = append(dst, entryPrefix)
	dst = binary.BigEndian.AppendUint16(dst, operator)
	dst = binary.BigEndian.AppendUint16(dst, shard)
	return append(dst, key...)
}

const timerKeyHead = 1 + 2 + 1 + 2 + 8

func appendTimerKey(dst []byte, operator uint16, d Domain, shard uint16, at int64, key string) []byte {
	dst = append(dst, timerPrefix)
	dst = binary.BigEndian.AppendUint16(dst, operator)
	dst = append(dst, byte(d))
	dst = binary.BigEndian.AppendUint16(dst, shard)
	dst = binary.BigEndian.AppendUint64(dst, uint64(at)^1<<63)
	return append(dst, key...)
}

func parseTimerKey(k []byte) (at int64, key []byte) {
	return int64(binary.BigEndian.Uint64(k[timerKeyHead-8:]) ^ 1<<63), k[timerKeyHead:]
}

// encode appends the stored form of an entry.
func (s *Store) encode(dst []byte, e *Entry) ([]byte, error) {
	dst = append(dst, entryVersion)
	dst = binary.AppendUvarint(dst, uint64(e.Split+1))
	for d := range domains {
		dst = binary.AppendVarint(dst, e.timers[d].deadline)
		dst = binary.AppendVarint(dst, e.timers[d].indexed)
	}
	for i, c := range s.cells {
		if *e.ref(i) == 0 {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(s.number(i)+1))
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		var err error
		if dst, err = c.encode(dst, e); err != nil {
			return dst, err
		}
		n := len(dst) - at - 4
		if n > math.MaxUint32 {
			return dst, fmt.Errorf("state %q of key %q: %d bytes are more than one entry can hold", c.name(), e.Key, n)
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(n))
	}
	return append(dst, 0), nil
}

// number is what a cell is stored under.
func (s *Store) number(cell int) int {
	if s.numbers == nil {
		return cell
	}
	return s.numbers[cell]
}

// decode fills e from its stored form. What does not fit names the key and wraps state.ErrCorrupt.
func (s *Store) decode(e *Entry, src []byte) error {
	bad := func(what error) error {
		return fmt.Errorf("state of key %.100q, %d bytes: %w: %w", e.Key, len(src), what, state.ErrCorrupt)
	}
	if len(src) == 0 || src[0] != entryVersion {
		return bad(errVersion)
	}
	r := cursor{src: src[1:]}
	e.Split = r.split()
	for d := range domains {
		e.timers[d].deadline, e.timers[d].indexed = r.varint(), r.varint()
	}
	for id := r.uvarint(); id != 0 && r.err == nil; id = r.uvarint() {
		content := r.sized()
		if r.err != nil {
			break
		}
		slot, known := s.slot(int(min(id, math.MaxInt32)) - 1)
		switch {
		case !known:
			return bad(errNoCell)
		case slot.decode == nil:
		case *e.ref(slot.cell) != 0:
			return bad(errTwice)
		default:
			if err := slot.decode(e, content); err != nil {
				return err
			}
		}
		if slot.timers {
			for d := range domains {
				e.timers[d].deadline = None // its index records go when the entry next changes
			}
		}
	}
	if err := r.end(); err != nil {
		return bad(err)
	}
	return nil
}
