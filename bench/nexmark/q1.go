package nexmark

import "github.com/millrace/millrace/stream"

// Q1 is the bids with their prices in euros: 89 cents for a dollar, rounded down.
func Q1(events stream.DataStream[Event]) stream.DataStream[Bid] {
	return stream.Map(bids(events), func(b Bid) Bid {
		b.Price = b.Price * 89 / 100
		return b
	}, stream.Name("euros"))
}
