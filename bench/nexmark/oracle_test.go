package nexmark

import (
	"slices"

	"github.com/millrace/millrace/window"
)

// The queries over all events at once, as naively as can be. Events come generator by generator.

const (
	sizeMs  = 10_000
	slideMs = 5_000
)

func oracleQ5(events []Event) (all []HotItems) {
	counts := map[int64]map[int64]int64{} // by the windows' ends
	for _, e := range events {
		if e.Kind != IsBid {
			continue
		}
		for end := e.At/slideMs*slideMs + slideMs; end <= e.At+sizeMs; end += slideMs {
			if counts[end] == nil {
				counts[end] = map[int64]int64{}
			}
			counts[end][e.Bid.Auction]++
		}
	}
	for end, byAuction := range counts {
		h := HotItems{Window: window.TimeWindow{Start: end - sizeMs, End: end}}
		for _, n := range byAuction {
			h.Bids = max(h.Bids, n)
		}
		for auction, n := range byAuction {
			if n == h.Bids {
				h.Auctions = append(h.Auctions, auction)
			}
		}
		slices.Sort(h.Auctions)
		all = append(all, h)
	}
	return all
}

func oracleQ7(events []Event) (all []Bid) {
	highest := map[int64]int64{}
	for _, e := range events {
		highest[e.At/sizeMs] = max(highest[e.At/sizeMs], e.Bid.Price)
	}
	for _, e := range events {
		if e.Kind == IsBid && e.Bid.Price == highest[e.At/sizeMs] {
			all = append(all, e.Bid)
		}
	}
	return all
}

func oracleQ8(events []Event) (all []NewSeller) {
	var people []*Person
	for _, e := range events {
		if e.Kind == IsPerson {
			people = append(people, e.Person)
		}
	}
	for _, e := range events {
		if e.Kind != IsAuction {
			continue
		}
		for _, p := range people {
			if p.ID == e.Auction.Seller && p.At/sizeMs == e.At/sizeMs {
				all = append(all, NewSeller{p.ID, p.Name, e.Auction.Reserve})
			}
		}
	}
	return all
}

func oracleQ11(events []Event) (all []BidderSession) {
	times := map[int64][]int64{}
	for _, e := range events {
		if e.Kind == IsBid {
			times[e.Bid.Bidder] = append(times[e.Bid.Bidder], e.At)
		}
	}
	for bidder, at := range times {
		slices.Sort(at)
		from := 0
		for i := range at {
			if i+1 == len(at) || at[i+1]-at[i] > sizeMs {
				all = append(all, BidderSession{bidder, window.TimeWindow{Start: at[from], End: at[i] + sizeMs}, int64(i + 1 - from)})
				from = i + 1
			}
		}
	}
	return all
}
