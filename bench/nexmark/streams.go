package nexmark

import "github.com/millrace/millrace/stream"

// bids are the bids among the events.
func bids(events stream.DataStream[Event]) stream.DataStream[Bid] {
	return stream.FlatMap(events, func(e Event, emit func(Bid)) {
		if e.Kind == IsBid {
			emit(e.Bid)
		}
	}, stream.Name("bids"))
}
