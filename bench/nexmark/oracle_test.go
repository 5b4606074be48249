package nexmark

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/window"
)

// The queries over all events at once, as naively as can be. Events come generator by generator.

const (
	sizeMs  = 10_000
	slideMs = 5_000
)

func oracleQ1(events []Event) (all []Bid) {
	for _, e := range events {
		if e.Kind == IsBid {
			all = append(all, Bid{e.Bid.Auction, e.Bid.Bidder, int64(float64(e.Bid.Price)*0.89 + 1e-6), e.Bid.At, e.Bid.Extra})
		}
	}
	return all
}

func oracleQ3(events []Event) (all []LocalAuction) {
	people := map[int64]*Person{}
	for _, e := range events {
		if p := e.Person; p != nil && (p.State == "OR" || p.State == "ID" || p.State == "CA") {
			people[p.ID] = p
		}
	}
	for _, e := range events {
		if a := e.Auction; a != nil && a.Category == 10 {
			if p := people[a.Seller]; p != nil && p.At-a.At <= 600_000 {
				all = append(all, LocalAuction{p.Name, p.City, p.State, a.ID})
			}
		}
	}
	return all
}

func oracleQ9(events []Event) (all []WinningBid) {
	bids := map[int64][]Bid{}
	for _, e := range events {
		if e.Kind == IsBid {
			bids[e.Bid.Auction] = append(bids[e.Bid.Auction], e.Bid)
		}
	}
	for _, e := range events {
		a := e.Auction
		if a == nil {
			continue
		}
		valid := slices.DeleteFunc(bids[a.ID], func(b Bid) bool { return b.Price < a.Reserve || b.At > a.Expires || a.At-b.At > 600_000 })
		if len(valid) > 0 {
			all = append(all, WinningBid{*a, slices.MinFunc(valid, func(x, y Bid) int {
				return cmp.Or(cmp.Compare(y.Price, x.Price), cmp.Compare(x.At, y.At), cmp.Compare(x.Bidder, y.Bidder))
			})})
		}
	}
	return all
}

func oracleQ4(events []Event) (all []CategoryPrice) {
	prices := map[[2]int64][]int64{}
	for _, w := range oracleQ9(events) {
		for _, end := range windowsEnds(w.Auction.Expires) {
			prices[[2]int64{w.Auction.Category, end}] = append(prices[[2]int64{w.Auction.Category, end}], w.Bid.Price)
		}
	}
	for k, of := range prices {
		sum := int64(0)
		for _, p := range of {
			sum += p
		}
		n := int64(len(of))
		all = append(all, CategoryPrice{k[0], window.TimeWindow{Start: k[1] - sizeMs, End: k[1]}, (2*sum + n) / (2 * n)})
	}
	return all
}

// windowsEnds are the ends of the sliding windows of a time.
func windowsEnds(at int64) (ends []int64) {
	for end := at/slideMs*slideMs + slideMs; end <= at+sizeMs; end += slideMs {
		ends = append(ends, end)
	}
	return ends
}

func oracleQ5(events []Event) (all []HotItems) {
	counts := map[int64]map[int64]int64{} // by the windows' ends
	for _, e := range events {
		if e.Kind != IsBid {
			continue
		}
		for _, end := range windowsEnds(e.At) {
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
