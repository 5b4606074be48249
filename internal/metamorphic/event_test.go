package metamorphic

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/state"
)

// event is a record of a log, or several of them reduced to one.
type event struct {
	Key    string
	At     int64 // milliseconds
	Part   int64 // partition and offset in the oracle's log
	Offset int64
	tally
	junk kind // only in the source
}

// kind says what is wrong with a record.
type kind uint8

const (
	sound      kind = iota
	unreadable      // cannot be decoded
	farFuture       // its timestamp is days beyond the one its log gave it
)

// tally is what a window comes to, in whichever order its events come.
type tally struct{ Count, Sum, First, Last int64 }

func one(at, part, offset int64) tally {
	h := uint64(part+1)<<32 | uint64(offset+1)
	h *= 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return tally{Count: 1, Sum: int64(h >> 1), First: at, Last: at}
}

func (t tally) add(o tally) tally {
	switch {
	case t.Count == 0:
		return o
	case o.Count == 0:
		return t
	}
	return tally{t.Count + o.Count, t.Sum + o.Sum, min(t.First, o.First), max(t.Last, o.Last)}
}

func eventTime(e event) time.Time { return time.UnixMilli(e.At) }
func keyOf(e event) string        { return e.Key }

var errShort = errors.New("cut short")

// eventCodec stores events with so many bytes of padding, which make state larger than memory.
func eventCodec(padding int) state.Codec[event] {
	return codec.Func("event/1", func(dst []byte, e event) ([]byte, error) {
		dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
		dst = append(dst, e.Key...)
		for _, v := range []int64{e.At, e.Part, e.Offset} {
			dst = binary.AppendVarint(dst, v)
		}
		dst = e.tally.append(dst)
		for i := range padding { // does not compress to nothing
			dst = append(dst, byte(uint64(e.Sum)>>(i%56)+uint64(i)*uint64(e.Sum)))
		}
		return dst, nil
	}, func(src []byte) (e event, err error) {
		n, used := binary.Uvarint(src)
		if used <= 0 || uint64(len(src)-used) < n {
			return e, errShort
		}
		e.Key, src = string(src[used:used+int(n)]), src[used+int(n):]
		for _, v := range []*int64{&e.At, &e.Part, &e.Offset} {
			*v, used = binary.Varint(src)
			if used <= 0 {
				return e, errShort
			}
			src = src[used:]
		}
		e.tally, err = readTally(src)
		return e, err
	})
}

func (t tally) append(dst []byte) []byte {
	for _, v := range []int64{t.Count, t.Sum, t.First, t.Last} {
		dst = binary.AppendVarint(dst, v)
	}
	return dst
}

func readTally(src []byte) (t tally, err error) {
	for _, v := range []*int64{&t.Count, &t.Sum, &t.First, &t.Last} {
		n, used := binary.Varint(src)
		if used <= 0 {
			return t, errShort
		}
		*v, src = n, src[used:]
	}
	return t, nil
}

var tallyCodec = codec.Func("tally/1",
	func(dst []byte, t tally) ([]byte, error) { return t.append(dst), nil }, readTally)

// row is a window's result.
type row struct {
	Key        string
	Start, End int64
	tally
}

// place is what a row stands under in a table.
type place struct {
	Key        string
	Start, End int64
}

func (r row) place() place { return place{r.Key, r.Start, r.End} }
