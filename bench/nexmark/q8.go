package nexmark

import (
	"strings"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// NewSeller is a result of Q8: a person and an auction of theirs.
type NewSeller struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Reserve int64  `json:"reserve"`
}

// Q8 is the people who came and put something up for auction within the same ten seconds: a result for each such auction. It joins two streams of one
// type, in which a record says whether it is a person or an auction, by a window that holds both.
func Q8(events stream.DataStream[Event]) stream.DataStream[NewSeller] {
	people := stream.FlatMap(events, func(e Event, emit func(arrival)) {
		if e.Kind == IsPerson {
			emit(arrival{person: true, id: e.Person.ID, name: strings.Clone(e.Person.Name)})
		}
	}, stream.Name("people"))
	auctions := stream.FlatMap(events, func(e Event, emit func(arrival)) {
		if e.Kind == IsAuction {
			emit(arrival{id: e.Auction.Seller, reserve: e.Auction.Reserve})
		}
	}, stream.Name("auctions"))
	arrivals := stream.WithCodec(stream.Union(people, auctions), arrivalCodec)
	byPerson := stream.KeyBy(arrivals, func(a arrival) int64 { return a.id })
	return stream.Process(stream.Window(byPerson, window.Tumbling(windowSize)), "new-sellers", newSellers{})
}

// arrival is a person, or what an auction tells of its seller.
type arrival struct {
	person  bool
	id      int64
	name    string // of a person
	reserve int64  // of an auction
}

type newSellers struct{}

func (newSellers) Process(_ *stream.Context, p stream.Pane[int64, arrival], out *stream.Collector[NewSeller]) error {
	for _, person := range p.Elements {
		if !person.person {
			continue
		}
		for _, a := range p.Elements {
			if !a.person {
				out.Emit(NewSeller{person.id, person.name, a.reserve})
			}
		}
	}
	return nil
}

var arrivalCodec = codec.Func("nexmark.arrival/1", func(dst []byte, a arrival) ([]byte, error) {
	person := int64(0)
	if a.person {
		person = 1
	}
	return appendTexts(appendInts(dst, person, a.id, a.reserve), a.name), nil
}, func(src []byte) (arrival, error) {
	f := fields{rest: src}
	a := arrival{person: f.int() == 1, id: f.int(), reserve: f.int(), name: f.text()}
	return a, f.end()
})
