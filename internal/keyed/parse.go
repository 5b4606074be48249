package keyed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/state"
)

// Place is what a stored key says: which operator's, which shard's, and for a timer of which domain and time.
type Place struct {
	Timer    bool
	Operator uint16
	Domain   Domain // of a timer
	Shard    uint16
	At       int64 // of a timer
	Key      []byte
}

// ParsePlace takes a stored key apart and reports whether it is keyed state. Key aliases stored.
func ParsePlace(stored []byte) (p Place, ok bool) {
	switch {
	case len(stored) >= 5 && stored[0] == entryPrefix:
		return Place{Operator: binary.BigEndian.Uint16(stored[1:]), Shard: binary.BigEndian.Uint16(stored[3:]), Key: stored[5:]}, true
	case len(stored) >= timerKeyHead && stored[0] == timerPrefix && stored[3] < byte(domains):
		p = Place{Timer: true, Operator: binary.BigEndian.Uint16(stored[1:]), Domain: Domain(stored[3]), Shard: binary.BigEndian.Uint16(stored[4:])}
		p.At, p.Key = parseTimerKey(stored)
		return p, true
	}
	return Place{}, false
}

// EntryKey is the stored key of an entry.
func EntryKey(operator, shard uint16, key string) []byte {
	return appendEntryKey(nil, operator, shard, key)
}

// TimerPrefix is what the timers of one shard and domain begin with.
func TimerPrefix(operator uint16, d Domain, shard uint16) []byte {
	return appendTimerKey(nil, operator, d, shard, 0, "")[:timerKeyHead-8]
}

// Value is a stored entry with its cells as bytes, by their numbers from 0.
type Value struct {
	Split    int32
	Deadline [domains]int64 // None without
	Indexed  [domains]int64 // the time of the index record, None without
	Cells    map[int][]byte
}

// ParseValue takes a stored entry apart, whatever its cells are. The cells alias stored.
func ParseValue(stored []byte) (v Value, err error) {
	if len(stored) == 0 || stored[0] != entryVersion {
		return v, fmt.Errorf("entry of %d bytes: %w: %w", len(stored), errVersion, state.ErrCorrupt)
	}
	r := cursor{src: stored[1:]}
	v.Split = r.split()
	for d := range domains {
		v.Deadline[d] = r.varint()
		v.Indexed[d] = r.varint()
	}
	v.Cells = map[int][]byte{}
	for id := r.uvarint(); id != 0 && r.err == nil; id = r.uvarint() {
		if _, twice := v.Cells[int(id-1)]; twice || id > math.MaxInt32 {
			r.fail(errTwice)
			break
		}
		v.Cells[int(id-1)] = r.sized()
	}
	if err := r.end(); err != nil {
		return v, fmt.Errorf("entry of %d bytes: %w: %w", len(stored), err, state.ErrCorrupt)
	}
	return v, nil
}

// cursor reads an entry; its first error stays, and what is read after it is 0.
type cursor struct {
	src []byte
	err error
}

var (
	errVersion = errors.New("unknown entry version")
	errShort   = errors.New("cut short")
	errLong    = errors.New("bytes after its end")
	errSplit   = errors.New("the number of its split is none")
	errTwice   = errors.New("names a cell twice, or by a number that is none")
	errNoCell  = errors.New("names a cell that the operator does not have")
)

// fail keeps the first error.
func (r *cursor) fail(err error) {
	if r.err == nil {
		r.src, r.err = nil, err
	}
}

// end is the first error, or that something is left.
func (r *cursor) end() error {
	if r.err == nil && len(r.src) > 0 {
		return errLong
	}
	return r.err
}

// split is the number of a split, stored one higher; -1 for none.
func (r *cursor) split() int32 {
	v := r.uvarint()
	if v > math.MaxInt32+1 {
		r.fail(errSplit)
		return -1
	}
	return int32(int64(v) - 1)
}

func (r *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(r.src)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *cursor) varint() int64 {
	v, n := binary.Varint(r.src)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *cursor) sized() []byte {
	if len(r.src) < 4 || uint64(len(r.src)-4) < uint64(binary.BigEndian.Uint32(r.src)) {
		r.fail(errShort)
		return nil
	}
	n := binary.BigEndian.Uint32(r.src)
	b := r.src[4 : 4+n]
	r.src = r.src[4+n:]
	return b
}

// EntriesOf is what the keys of an operator's entries begin with, EntriesAfter the first key behind them; TimersOf and TimersAfter are those of its timers.
func EntriesOf(operator uint16) []byte    { return appendEntryKey(nil, operator, 0, "")[:3] }
func EntriesAfter(operator uint16) []byte { return behind(EntriesOf(operator)) }
func TimersOf(operator uint16) []byte     { return append([]byte{timerPrefix}, EntriesOf(operator)[1:]...) }
func TimersAfter(operator uint16) []byte  { return behind(TimersOf(operator)) }

// behind is the first key that does not begin with the three bytes of an operator.
func behind(prefix []byte) []byte {
	n := binary.BigEndian.Uint16(prefix[1:])
	if n == math.MaxUint16 {
		return []byte{prefix[0] + 1}
	}
	return binary.BigEndian.AppendUint16(prefix[:1:1], n+1)
}
