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
	seller  stream.ValueState[LocalAuction] // its ID is 0
	waiting stream.ListState[unsold]
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
		seller := LocalAuction{Name: strings.Clone(p.Name), City: p.City, State: p.State}
		j.seller.Set(seller)
		for _, a := range j.waiting.All() {
			if p.At-a.at <= patience.Milliseconds() {
				seller.ID = a.id
				out.Emit(seller)
			}
		}
		j.waiting.Clear()
		return nil
	}
	a := in.Value.Auction
	if seller, ok := j.seller.Get(); ok {
		seller.ID = a.ID
		out.Emit(seller)
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

var sellerCodec = codec.Func("nexmark.seller/1", func(dst []byte, s LocalAuction) ([]byte, error) {
	return appendTexts(dst, s.Name, s.City, s.State), nil
}, func(src []byte) (LocalAuction, error) {
	f := fields{rest: src}
	s := LocalAuction{Name: f.text(), City: f.text(), State: f.text()}
	return s, f.end()
})

var unsoldCodec = codec.Func("nexmark.unsold/1", func(dst []byte, a unsold) ([]byte, error) {
	return appendInts(dst, a.id, a.at), nil
}, func(src []byte) (unsold, error) {
	f := fields{rest: src}
	a := unsold{id: f.int(), at: f.int()}
	return a, f.end()
})
