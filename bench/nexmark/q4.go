package nexmark

import (
	"math"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// CategoryPrice is a result of Q4: what was paid on average in a category, in cents, for the auctions that closed within a window.
type CategoryPrice struct {
	Category int64
	Window   window.TimeWindow
	Price    int64
}

// Q4 is the average of the winning bids in each category, of the last ten seconds every five seconds. The SQL variants of the suite average over all time.
func Q4(events stream.DataStream[Event]) stream.DataStream[CategoryPrice] {
	byCategory := stream.KeyBy(Q9(events), func(w WinningBid) int64 { return w.Auction.Category })
	return stream.Aggregate(stream.Window(byCategory, window.Sliding(windowSize, windowSlide)), "average", averagePrice{})
}

type total struct{ cents, bids int64 }

type averagePrice struct{}

func (averagePrice) New() total { return total{} }
func (averagePrice) Add(t total, w WinningBid) total {
	return total{t.cents + w.Bid.Price, t.bids + 1}
}
func (averagePrice) Merge(a, b total) total { return total{a.cents + b.cents, a.bids + b.bids} }
func (averagePrice) Result(category int64, w window.TimeWindow, t total) CategoryPrice {
	return CategoryPrice{category, w, int64(math.Floor(float64(t.cents)/float64(t.bids) + 0.5))}
}

func (averagePrice) Codec() state.Codec[total] { return totalCodec }

var totalCodec = codec.Func("nexmark.total/1", func(dst []byte, t total) ([]byte, error) {
	return appendInts(dst, t.cents, t.bids), nil
}, func(src []byte) (total, error) {
	f := fields{rest: src}
	t := total{cents: f.int(), bids: f.int()}
	return t, f.end()
})
