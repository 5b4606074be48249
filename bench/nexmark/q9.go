package nexmark

import (
	"cmp"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/stream"
)

// WinningBid is a result of Q9: a closed auction and its bid.
type WinningBid struct {
	Auction Auction
	Bid     Bid
}

// Q9 is the winning bid of each auction when it closes: the highest that reaches the reserve and comes until then, the earlier of two that are as high. Auctions
// without one have no result. As in Beam's query a bid may come before its auction; here by ten minutes at most.
func Q9(events stream.DataStream[Event]) stream.DataStream[WinningBid] {
	sales := stream.Filter(events, func(e Event) bool { return e.Kind != IsPerson }, stream.Name("sales"))
	byAuction := stream.KeyBy(sales, func(e Event) int64 {
		if e.Kind == IsAuction {
			return e.Auction.ID
		}
		return e.Bid.Auction
	})
	return stream.Process(byAuction, "winning", stream.PerTask(func() *winningBids { return &winningBids{} }))
}

// winningBids waits for the auction, then for its end, and then for a minute in which bids still come and are dropped.
type winningBids struct {
	early   stream.ListState[Bid]      // the bids that have come while there was no auction
	auction stream.ValueState[Auction] // while it is open
	best    stream.ValueState[Bid]     // the winner so far
	closed  stream.ValueState[int64]   // when the auction was closed
}

// closedFor is how long it is remembered that an auction is closed. Bids that come later than that are held as early ones, at the cost of memory.
const closedFor = time.Minute

func (w *winningBids) Open(ctx *stream.OpenContext) error {
	w.early = stream.NewList(ctx, "early", bidCodec)
	w.auction = stream.NewValue(ctx, "auction", auctionCodec)
	w.best = stream.NewValue(ctx, "best", bidCodec)
	w.closed = stream.NewValue(ctx, "closed", codec.Int64())
	return nil
}

func (w *winningBids) Process(ctx *stream.Context, in stream.Keyed[int64, Event], _ *stream.Collector[WinningBid]) error {
	if a := in.Value.Auction; a != nil {
		w.auction.Set(a.clone())
		ctx.SetEventTimer(time.UnixMilli(a.Expires))
		for _, b := range w.early.All() {
			w.offer(*a, b)
		}
		w.early.Clear()
		return nil
	}
	b := in.Value.Bid
	if a, open := w.auction.Get(); open {
		w.offer(a, b)
	} else if _, closed := w.closed.Get(); !closed {
		w.early.Add(b.clone())
		ctx.SetEventTimer(time.UnixMilli(b.At).Add(patience))
	}
	return nil
}

// offer makes b the winner if it is: one of the auction's time, or not too long before it. Of two bids at one time and price the lower bidder's wins, so that the winner does not depend on how they came.
func (w *winningBids) offer(a Auction, b Bid) {
	if b.Price < a.Reserve || b.At > a.Expires || a.At-b.At > patience.Milliseconds() {
		return
	}
	best, ok := w.best.Get()
	if !ok || cmp.Or(cmp.Compare(b.Price, best.Price), cmp.Compare(best.At, b.At), cmp.Compare(best.Bidder, b.Bidder)) > 0 {
		w.best.Set(b.clone())
	}
}

// OnTimer closes the auction, or forgets what has been kept for long enough.
func (w *winningBids) OnTimer(ctx *stream.Context, _ stream.Keyed[int64, Event], at time.Time, out *stream.Collector[WinningBid]) error {
	now := at.UnixMilli()
	if a, open := w.auction.Get(); open && now == a.Expires {
		if b, ok := w.best.Get(); ok {
			out.Emit(WinningBid{a, b})
		}
		w.auction.Clear()
		w.best.Clear()
		w.closed.Set(now)
		ctx.SetEventTimer(at.Add(closedFor))
		return nil
	}
	if since, ok := w.closed.Get(); ok && now == since+closedFor.Milliseconds() {
		w.closed.Clear()
	}
	var still []Bid
	for _, b := range w.early.All() {
		if b.At > at.Add(-patience).UnixMilli() {
			still = append(still, b)
		}
	}
	w.early.Set(still)
	return nil
}
