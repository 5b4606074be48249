package nexmark

import (
	"strings"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/stream"
)

// patience is how long the joins without windows keep what has come before what it belongs to, in event time. What belongs to something that comes later than
// that is not joined with it.
const patience = 10 * time.Minute

// LocalAuction is a result of Q3: an auction and where its seller is.
type LocalAuction struct {
	Name  string `json:"name"`
	City  string `json:"city"`
	State string `json:"state"`
	ID    int64  `json:"id"` // of the auction
}

// Q3 is the auctions of category 10 whose sellers live in Oregon, Idaho or California. Sellers may come after their auctions, by ten minutes at most. People are
// kept for good, so the state grows with them.
func Q3(events stream.DataStream[Event]) stream.DataStream[LocalAuction] {
	wanted := stream.Filter(events, func(e Event) bool {
		switch e.Kind {
		case IsPerson:
			return e.Person.State == "OR" || e.Person.State == "ID" || e.Person.State == "CA"
		case IsAuction:
			return e.Auction.Category == FirstCategory
		}
		return false
	}, stream.Name("local"))
	bySeller := stream.KeyBy(wanted, func(e Event) int64 {
		if e.Kind == IsPerson {
			return e.Person.ID
		}
		return e.Auction.Seller
	})
	return stream.Process(bySeller, "sellers", stream.PerTask(func() *localAuctions { return &localAuctions{} }))
}

// localAuctions joins a person with the auctions that are theirs, whichever comes first.
type localAuctions struct {
	seller  stream.ValueState[seller]
	waiting stream.ListState[unsold]
}

// seller is a person who may have auctions.
type seller struct {
	name, city, state string
	at                int64
}

// auction is the result for an auction of that time; ok is false where it came too long before its seller. Which of the two is read first makes no difference to that.
func (s seller) auction(id, at int64) (_ LocalAuction, ok bool) {
	return LocalAuction{s.name, s.city, s.state, id}, s.at-at <= patience.Milliseconds()
}

// unsold is an auction whose seller is not known yet.
type unsold struct{ id, at int64 }

func (j *localAuctions) Open(ctx *stream.OpenContext) error {
	j.seller = stream.NewValue(ctx, "seller", sellerCodec)
	j.waiting = stream.NewList(ctx, "waiting", unsoldCodec)
	return nil
}

func (j *localAuctions) Process(ctx *stream.Context, in stream.Keyed[int64, Event], out *stream.Collector[LocalAuction]) error {
	if p := in.Value.Person; p != nil {
		s := seller{strings.Clone(p.Name), p.City, p.State, p.At}
		j.seller.Set(s)
		for _, a := range j.waiting.All() {
			if found, ok := s.auction(a.id, a.at); ok {
				out.Emit(found)
			}
		}
		j.waiting.Clear()
		return nil
	}
	a := in.Value.Auction
	if s, ok := j.seller.Get(); ok {
		if found, ok := s.auction(a.ID, a.At); ok {
			out.Emit(found)
		}
		return nil
	}
	j.waiting.Add(unsold{a.ID, a.At})
	ctx.SetEventTimer(time.UnixMilli(a.At).Add(patience))
	return nil
}

// OnTimer forgets the auctions that have waited for long enough.
func (j *localAuctions) OnTimer(_ *stream.Context, _ stream.Keyed[int64, Event], at time.Time, _ *stream.Collector[LocalAuction]) error {
	var still []unsold
	for _, a := range j.waiting.All() {
		if a.at > at.Add(-patience).UnixMilli() {
			still = append(still, a)
		}
	}
	j.waiting.Set(still)
	return nil
}

var sellerCodec = codec.Func("nexmark.seller/2", func(dst []byte, s seller) ([]byte, error) {
	return appendInts(appendTexts(dst, s.name, s.city, s.state), s.at), nil
}, func(src []byte) (seller, error) {
	f := fields{rest: src}
	s := seller{f.text(), f.text(), f.text(), f.int()}
	return s, f.end()
})

var unsoldCodec = codec.Func("nexmark.unsold/1", func(dst []byte, a unsold) ([]byte, error) {
	return appendInts(dst, a.id, a.at), nil
}, func(src []byte) (unsold, error) {
	f := fields{rest: src}
	a := unsold{id: f.int(), at: f.int()}
	return a, f.end()
})
