package keyed

import (
	"hash/maphash"
	"unsafe"
)

// table finds entries by key. It is a directory of pages by the first bits of the hash (extendible hashing), so that it grows by one page at a time and never
// stops the stream; in a page, slots are probed one after the other. An entry with a short key has it in the same line of the cache as what records look
// at, so that a look-up reads two lines: a slot's and the entry's.
type table struct {
	pages []*page // 1<<bits
	bits  uint
}

const (
	pageSlots = 512
	pageFull  = pageSlots * 3 / 4
)

type page struct {
	bits  uint // of the hash that all entries of the page share
	used  int
	slots [pageSlots]slot
}

type slot struct {
	hash uint64
	e    *Entry // nil for a free slot
}

// seed makes hashes differ from process to process, so that nobody can send keys that have one in common.
var seed = maphash.MakeSeed()

// Hash is what a key is looked up by. Two keys hardly ever have the same.
func Hash(key []byte) uint64 { return maphash.Bytes(seed, key) }

func newTable() table { return table{pages: []*page{new(page)}} }

// page is the one that a hash belongs into.
func (t *table) page(hash uint64) *page { return t.pages[hash>>1>>(63-t.bits)] }

// home is the slot from which a hash is looked for: by its last bits, as the first are those of the page.
func home(hash uint64) uint64 { return hash % pageSlots }

// find is the entry of key, or nil.
func (t *table) find(key []byte) *Entry { return t.hashed(key, Hash(key)) }

// named is find for a string.
func (t *table) named(key string) *Entry {
	return t.find(unsafe.Slice(unsafe.StringData(key), len(key)))
}

// hashed is find where the hash is known.
func (t *table) hashed(key []byte, hash uint64) *Entry {
	p := t.page(hash)
	for i := home(hash); ; i = (i + 1) % pageSlots {
		s := &p.slots[i]
		if s.e == nil {
			return nil
		}
		if s.hash == hash && s.e.Key == string(key) {
			return s.e
		}
	}
}

// add puts in an entry whose key is not there.
func (t *table) add(e *Entry) {
	hash := maphash.String(seed, e.Key)
	p := t.page(hash)
	for p.used >= pageFull {
		t.split(p, hash)
		p = t.page(hash)
	}
	p.add(slot{hash, e})
}

func (p *page) add(s slot) {
	i := home(s.hash)
	for p.slots[i].e != nil {
		i = (i + 1) % pageSlots
	}
	p.slots[i] = s
	p.used++
}

// split shares a page's entries, to which hash belongs, between it and a new one.
func (t *table) split(old *page, hash uint64) {
	if old.bits == t.bits {
		pages := make([]*page, 2*len(t.pages))
		for i, p := range t.pages {
			pages[2*i], pages[2*i+1] = p, p
		}
		t.pages, t.bits = pages, t.bits+1
	}
	halves := [2]*page{{bits: old.bits + 1}, {bits: old.bits + 1}}
	for _, s := range old.slots {
		if s.e != nil {
			halves[s.hash>>(63-old.bits)&1].add(s)
		}
	}
	n := len(t.pages) >> old.bits // places of the old page in the directory
	first := int(hash>>1>>(63-t.bits)) / n * n
	for i := range n {
		t.pages[first+i] = halves[i/(n/2)]
	}
}

// remove takes out an entry, which is there, and moves up those behind it that a look-up would not find any more.
func (t *table) remove(e *Entry) {
	hash := maphash.String(seed, e.Key)
	p := t.page(hash)
	hole := home(hash)
	for p.slots[hole].e != e {
		hole = (hole + 1) % pageSlots
	}
	for i := (hole + 1) % pageSlots; p.slots[i].e != nil; i = (i + 1) % pageSlots {
		if (i-home(p.slots[i].hash))%pageSlots >= (i-hole)%pageSlots {
			p.slots[hole] = p.slots[i]
			hole = i
		}
	}
	p.slots[hole] = slot{}
	p.used--
}
