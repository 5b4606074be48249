package nexmark

import (
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// q7Lanes is how many ways Q7 finds the highest bids before it compares them.
const q7Lanes = 16

// Q7 is the highest bid of every ten seconds, all of them where several are as high. One task must see the bids of a window, so they are compared twice: within
// lanes, which are spread over tasks, and then the best of each lane.
func Q7(events stream.DataStream[Event]) stream.DataStream[Bid] {
	lanes := stream.KeyBy(bids(events), func(b Bid) int64 { return b.Price % q7Lanes }) // prices are random: any digit spreads them
	ofLanes := stream.Aggregate(stream.Window(lanes, window.Tumbling(windowSize)), "highest-of-lane", highestOf[int64]{})
	best := stream.FlatMap(ofLanes, each, stream.Name("bids-of-lanes"))
	ofAll := stream.Aggregate(stream.Window(stream.All(best), window.Tumbling(windowSize)), "highest", highestOf[struct{}]{})
	return stream.FlatMap(ofAll, each, stream.Name("highest-bids"))
}

func each(bids []Bid, emit func(Bid)) {
	for _, b := range bids {
		emit(b)
	}
}

// highestOf keeps the highest bids, all of one price, with text of their own.
type highestOf[K comparable] struct{}

func (highestOf[K]) New() []Bid { return nil }

func (highestOf[K]) Add(held []Bid, b Bid) []Bid {
	if len(held) > 0 {
		if b.Price < held[0].Price {
			return held
		}
		if b.Price > held[0].Price {
			held = held[:0]
		}
	}
	return append(held, b.clone())
}

func (h highestOf[K]) Merge(a, b []Bid) []Bid {
	for _, bid := range b {
		a = h.Add(a, bid)
	}
	return a
}

func (highestOf[K]) Result(_ K, _ window.TimeWindow, held []Bid) []Bid { return held }

func (highestOf[K]) Codec() state.Codec[[]Bid] { return bidsCodec }
