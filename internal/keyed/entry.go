package keyed

import "unsafe"

// Entry is one key's state in memory: two lines of the cache, of which each record looks at the first.
type Entry struct {
	owner
	few     [2]uint32 // references to the values of the first cells; 0 for none
	mark    uint32    // the epoch in which it became dirty, 0 when clean
	encoded uint32    // the last snapshot it was encoded for, 0 for none
	Split   int32     // the split its records come from, where the operator binds keys to splits; -1 before
	filled  uint16
	used    bool     // since the clock hand last passed
	stored  bool     // the backend has a version of it, or will when the batch is committed
	short   [16]byte // what Key is a view of, where it has room

	timers [domains]timers
	more   *[]uint32 // the references that few has no room for
	place  int32     // in the ring, -1 when it is not in the table any more
	Shard  uint16
	items  uint16 // of the heaps, that know it; at its highest value no longer counted
}

// owner is whose a timer is.
type owner struct {
	Key   string // valid as long as the entry is in use
	entry *Entry // itself; nil where only the key is known
}

// timers is what an entry has in a domain of time.
type timers struct {
	deadline int64 // earliest timer, None without
	armed    int64 // time of its heap item, None without
	indexed  int64 // time of its index record, None without
}

func newEntry(cells int) *Entry {
	e := new(Entry)
	e.entry = e
	if n := cells - len(e.few); n > 0 {
		more := make([]uint32, n)
		e.more = &more
	}
	return e
}

// begin makes a new entry, or one that was used before, that of a key.
func (e *Entry) begin(key []byte) {
	if n := copy(e.short[:], key); n == len(key) {
		e.Key = unsafe.String(&e.short[0], n) // as long as the entry is the key's: nobody keeps it longer without a copy
	} else {
		e.Key = string(key)
	}
	e.Split, e.encoded, e.stored, e.used = -1, 0, false, true
	for d := range domains {
		e.timers[d] = timers{None, None, None}
	}
}

// ref is where the reference of a cell stands.
func (e *Entry) ref(cell int) *uint32 {
	if cell < len(e.few) {
		return &e.few[cell]
	}
	return &(*e.more)[cell-len(e.few)]
}
