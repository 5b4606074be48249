package nexmark

import "github.com/millrace/millrace/stream"

// AuctionPrice is a result of Q2.
type AuctionPrice struct {
	Auction int64 `json:"auction"`
	Price   int64 `json:"price"`
}

// Q2 is the bids for every 123rd auction.
func Q2(events stream.DataStream[Event]) stream.DataStream[AuctionPrice] {
	picked := stream.Filter(bids(events), func(b Bid) bool { return b.Auction%123 == 0 }, stream.Name("picked"))
	return stream.Map(picked, func(b Bid) AuctionPrice { return AuctionPrice{b.Auction, b.Price} }, stream.Name("price"))
}
