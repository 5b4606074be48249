package keyed

import (
	"math"
	"strings"
)

// queue is one domain's timers: a heap ordered by time, then key bytes, over an index in the backend that is read ahead of time shard by shard.
type queue struct {
	heap     []item
	horizons []horizon
	nearest  int64 // the lowest horizon
}

// item is a timer of a key. It knows the entry, to save looking it up, but where entries may leave memory, in which it would keep them.
type item struct {
	at int64
	of *owner
}

// byKey is an owner of whom only the key is known.
func byKey(key string) *owner { return &owner{Key: strings.Clone(key)} }

// horizon says that the shard's index records before at are in the heap (invariant 2).
type horizon struct {
	shard uint16
	at    int64
}

func (q *queue) init(shards []uint16, loaded bool) {
	q.nearest = math.MaxInt64
	from := int64(math.MaxInt64)
	if loaded {
		from = math.MinInt64
	}
	for _, s := range shards {
		q.horizons = append(q.horizons, horizon{s, from})
		q.nearest = from
	}
}

func (a item) before(b item) bool { return a.at < b.at || a.at == b.at && a.of.Key < b.of.Key }

// children is how many an item of the heap has: four stand in one line of the cache.
const children = 4

func (q *queue) push(it item) {
	if e := it.of.entry; e != nil && e.items < math.MaxUint16 {
		e.items++
	}
	h := append(q.heap, it)
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / children
		if !it.before(h[p]) {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = it
	q.heap = h
}

func (q *queue) pop() {
	h := q.heap
	if e := h[0].of.entry; e != nil && e.items < math.MaxUint16 {
		e.items--
	}
	n := len(h) - 1
	h[0] = h[n]
	h[n] = item{}
	q.heap = h[:n]
	if n > 0 {
		q.down(0)
	}
}

func (q *queue) down(i int) {
	h := q.heap
	it := h[i]
	for {
		first := children*i + 1
		if first >= len(h) {
			break
		}
		c := earliest(h[first:min(first+children, len(h))]) + first
		if !h[c].before(it) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = it
}

// earliest is the place of the first of some items, which are children of one item.
func earliest(h []item) int {
	if len(h) == children {
		// Which one it is cannot be foretold, so it is found without branches; few items are due at the same time.
		a, b := 0, 2
		at, bt := h[0].at, h[2].at
		if h[1].at < at {
			a = 1
		}
		at = min(at, h[1].at)
		if h[3].at < bt {
			b = 3
		}
		bt = min(bt, h[3].at)
		if h[0].at != h[1].at && h[2].at != h[3].at && at != bt {
			if bt < at {
				a = b
			}
			return a
		}
	}
	c := 0
	for k := 1; k < len(h); k++ {
		if h[k].before(h[c]) {
			c = k
		}
	}
	return c
}

// adopt makes sure that an entry just read from the backend has its heap item.
func (q *queue) adopt(e *Entry, d Domain) {
	t := &e.timers[d]
	if t.deadline == None {
		return
	}
	t.armed = t.indexed
	if t.indexed >= q.of(e.Shard).at {
		q.push(item{t.indexed, byKey(e.Key)})
	}
}

// unpin lets the entries of items leave memory.
func (q *queue) unpin() {
	for i := range q.heap {
		if of := &q.heap[i].of; (*of).entry != nil {
			(*of).entry.items = 0
			*of = byKey((*of).Key)
		}
	}
}

func (q *queue) of(shard uint16) *horizon {
	for i := range q.horizons {
		if q.horizons[i].shard == shard {
			return &q.horizons[i]
		}
	}
	return &horizon{shard: shard, at: math.MaxInt64}
}

const readAhead = 1024 // index records read of a shard at a time

// extend reads the index records up to time, and a little more.
func (q *queue) extend(s *Store, d Domain, time int64) error {
	if q.nearest > time || q.nearest == math.MaxInt64 {
		return nil
	}
	q.nearest = math.MaxInt64
	for i := range q.horizons {
		h := &q.horizons[i]
		for h.at <= time && h.at != math.MaxInt64 {
			if err := q.read(s, d, h); err != nil {
				return err
			}
		}
		q.nearest = min(q.nearest, h.at)
	}
	return nil
}

func (q *queue) read(s *Store, d Domain, h *horizon) error {
	from := appendTimerKey(nil, s.cfg.Operator, d, h.shard, h.at, "")
	to := appendTimerKey(nil, s.cfg.Operator, d, h.shard, math.MaxInt64, "")
	n, last, more := 0, h.at, false
	err := s.cfg.Backend.Scan(from, to, func(k, _ []byte) bool {
		at, key := parseTimerKey(k)
		if n >= readAhead && at != last {
			more = true
			return false
		}
		n, last = n+1, at
		if s.table.find(key) == nil { // what is in memory has its item
			q.push(item{at, &owner{Key: string(key)}})
		}
		return true
	})
	if err != nil {
		return err
	}
	if h.at = math.MaxInt64; more {
		h.at = last + 1
	}
	return nil
}

// shrink drops the items of keys that are not in memory, the latest first, when they outnumber the table: their index records bring them back.
func (q *queue) shrink(s *Store, d Domain) {
	if len(q.heap) < 2*len(s.ring)+4096 {
		return
	}
	cut := q.middle()
	kept := q.heap[:0]
	for _, it := range q.heap {
		e := s.table.named(it.of.Key)
		switch {
		case e != nil && e.timers[d].armed != it.at: // stale
		case e == nil && it.at >= cut:
		default:
			kept = append(kept, it)
		}
	}
	clear(q.heap[len(kept):])
	q.heap = kept
	for i := len(q.heap) / children; i >= 0 && i < len(q.heap); i-- {
		q.down(i)
	}
	for i := range q.horizons {
		q.horizons[i].at = min(q.horizons[i].at, cut)
	}
	q.nearest = min(q.nearest, cut)
}

// middle is a time in the middle of a sample of the heap.
func (q *queue) middle() int64 {
	var sample [101]int64
	for i := range sample {
		sample[i] = q.heap[i*(len(q.heap)-1)/(len(sample)-1)].at
	}
	for i := 1; i < len(sample); i++ {
		for j := i; j > 0 && sample[j] < sample[j-1]; j-- {
			sample[j], sample[j-1] = sample[j-1], sample[j]
		}
	}
	return sample[len(sample)/2]
}

// SetDeadline says when the entry's earliest timer in the domain is due; None for no timer. The entry is dirty already, or becomes so with its index.
func (s *Store) SetDeadline(e *Entry, d Domain, at int64) {
	t := &e.timers[d]
	t.deadline = at
	if at < t.armed {
		t.armed = at
		it := item{at, &e.owner}
		if s.pressed {
			it.of = byKey(e.Key)
		}
		s.queues[d].push(it)
	}
}

// Deadline is what SetDeadline set.
func (s *Store) Deadline(e *Entry, d Domain) int64 { return e.timers[d].deadline }

// Next is the time before which Due has nothing.
func (s *Store) Next(d Domain) int64 {
	q := &s.queues[d]
	if len(q.heap) == 0 {
		return q.nearest
	}
	return min(q.nearest, q.heap[0].at)
}

// Due takes the next entry with a timer at or before time, in the order of (time, key bytes), and the time that is due; nil when there is none. The caller
// fires what the entry has at that time and sets its next deadline.
func (s *Store) Due(d Domain, time int64) (*Entry, int64, error) {
	q := &s.queues[d]
	for {
		if q.nearest <= time {
			if err := q.extend(s, d, time); err != nil {
				return nil, 0, err
			}
		}
		if len(q.heap) == 0 || q.heap[0].at > time {
			return nil, 0, nil
		}
		it := q.heap[0]
		e := it.of.entry
		if e == nil || e.place < 0 {
			e = s.table.named(it.of.Key)
		}
		if e == nil && !s.absent {
			var err error
			if e, err = s.load(it.of.Key); err != nil {
				return nil, 0, err
			}
			if e != nil { // with an item of its own or without: this one is it, if it has a timer
				if t := &e.timers[d]; t.deadline != None {
					t.armed = it.at
				}
				continue
			}
		}
		if e == nil { // its state is gone
			q.pop()
			continue
		}
		t := &e.timers[d]
		switch {
		case t.armed != it.at: // moved earlier, or fired, since
			q.pop()
			continue
		case t.deadline == None:
			q.pop()
			t.armed = None
			continue
		case t.deadline > it.at:
			t.armed = t.deadline
			q.heap[0].at = t.deadline
			q.down(0)
			continue
		}
		q.pop()
		t.armed = None
		if s.batch != nil {
			return e, it.at, s.ahead(e)
		}
		return e, it.at, nil
	}
}

const trimEvery = 256 // firings between looks at the memory budget

// Fire has f do what is due at or before time, entry by entry in the order of Due.
func (s *Store) Fire(d Domain, time int64, f func(e *Entry, at int64) error) error {
	for n := 1; ; n++ {
		e, at, err := s.Due(d, time)
		if err != nil || e == nil {
			return err
		}
		if err := f(e, at); err != nil {
			return err
		}
		s.Settle(e)
		if n%trimEvery == 0 {
			s.Trim()
		}
	}
}
