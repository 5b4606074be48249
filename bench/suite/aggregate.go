package main

import (
	"encoding/binary"
	"io"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/window"
)

// aggregate is the window function of the session job.
type aggregate struct{}

func (aggregate) New() session { return session{} }

func (aggregate) Add(s session, e *pb.ClickEvent) session {
	s.add(e.EventTimestamp, kindOf(e.EventType))
	return s
}

// AddTo is Add, in place.
func (aggregate) AddTo(s *session, e *pb.ClickEvent) { s.add(e.EventTimestamp, kindOf(e.EventType)) }

func (aggregate) Merge(a, b session) session {
	if a.events == 0 {
		return b
	}
	if b.events == 0 {
		return a
	}
	return session{"", min(a.first, b.first), max(a.last, b.last), a.events + b.events, a.carts + b.carts, a.checkouts + b.checkouts}
}

func (aggregate) Result(user string, _ window.TimeWindow, s session) session {
	s.user = user
	return s
}

func (aggregate) Codec() state.Codec[session] { return sessionCodec }

var sessionCodec = codec.Func("bench/session/1", func(dst []byte, s session) ([]byte, error) {
	for _, v := range [...]int64{s.first, s.last - s.first, s.events, s.carts, s.checkouts} {
		dst = binary.AppendVarint(dst, v)
	}
	return dst, nil
}, func(src []byte) (s session, err error) {
	for _, v := range [...]*int64{&s.first, &s.last, &s.events, &s.carts, &s.checkouts} {
		x, n := binary.Varint(src)
		if n <= 0 {
			return s, io.ErrUnexpectedEOF
		}
		*v, src = x, src[n:]
	}
	s.last += s.first
	return s, nil
})
