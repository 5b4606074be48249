package main

import (
	"fmt"
	"slices"
	"time"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
)

// answer is what a run of the session job comes to. Checksum is "" for a program that does not make one.
type answer struct {
	Events    int64  `json:"events"`
	Sessions  int64  `json:"sessions"`
	Abandoned int64  `json:"abandoned"`
	Checksum  string `json:"checksum"`
}

// session is a result row.
type session struct {
	user                                  string
	first, last, events, carts, checkouts int64
}

func (s *session) add(ts int64, kind byte) {
	if s.events == 0 {
		s.first, s.last = ts, ts
	}
	s.first, s.last = min(s.first, ts), max(s.last, ts)
	s.events++
	switch kind {
	case kindCart:
		s.carts++
	case kindCheckout:
		s.checkouts++
	}
}

const (
	kindOther = iota
	kindCart
	kindCheckout
)

func kindOf(eventType string) byte {
	switch eventType {
	case "add_to_cart":
		return kindCart
	case "checkout":
		return kindCheckout
	}
	return kindOther
}

// total adds up rows in any order.
type total struct {
	events, sessions, abandoned int64
	sum                         uint64
	row                         time.Time // when the first came
}

func (t *total) add(s *session) {
	t.events += s.events
	t.sessions++
	if s.carts > 0 && s.checkouts == 0 {
		t.abandoned++
	}
	t.sum += s.hash()
}

func (t *total) merge(o total) {
	t.events, t.sessions, t.abandoned, t.sum = t.events+o.events, t.sessions+o.sessions, t.abandoned+o.abandoned, t.sum+o.sum
}

func (t total) answer() answer {
	return answer{Events: t.events, Sessions: t.sessions, Abandoned: t.abandoned, Checksum: fmt.Sprintf("%016x", t.sum)}
}

// hash is the row's part of the checksum, the same as in the peers' programs; it begins with Java's hash of the user.
func (s *session) hash() uint64 {
	var java int32
	for _, c := range []byte(s.user) { // ASCII
		java = 31*java + int32(c)
	}
	h := uint64(int64(java))
	for _, v := range [...]int64{s.first, s.last + gapMillis, s.last - s.first, s.events, s.carts, s.checkouts} {
		h = (h ^ uint64(v)) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

// batch computes the answer from the whole log at once: every user's events sorted, cut where more than the gap lies between two.
type batch map[string][]int64 // times, shifted, with the kind in the lowest two bits

func (b batch) add(e *pb.ClickEvent) {
	b[e.UserId] = append(b[e.UserId], e.EventTimestamp<<2|int64(kindOf(e.EventType)))
}

func (b batch) answer() answer {
	var t total
	for user, events := range b {
		slices.Sort(events)
		s := session{user: user}
		for _, e := range events {
			if s.events > 0 && e>>2-s.last > gapMillis {
				t.add(&s)
				s = session{user: user}
			}
			s.add(e>>2, byte(e&3))
		}
		t.add(&s)
	}
	return t.answer()
}
