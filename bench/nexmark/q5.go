package nexmark

import (
	"slices"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// The windows of the queries.
const (
	windowSize  = 10 * time.Second
	windowSlide = 5 * time.Second
)

// HotItems is a result of Q5: the auctions that had the most bids in a window, in order, and how many.
type HotItems struct {
	Window   window.TimeWindow
	Auctions []int64
	Bids     int64
}

// Q5 is which auctions had the most bids in the last ten seconds, every five seconds. Bids are counted for each auction in sliding windows. A window's counts
// are events of its last millisecond, so tumbling windows as long as the slide bring those of one window together, and no others.
func Q5(events stream.DataStream[Event]) stream.DataStream[HotItems] {
	byAuction := stream.KeyBy(bids(events), func(b Bid) int64 { return b.Auction })
	counts := stream.Aggregate(stream.Window(byAuction, window.Sliding(windowSize, windowSlide)), "count", bidCount{})
	return stream.Aggregate(stream.Window(stream.All(counts), window.Tumbling(windowSlide)), "hottest", hottest{})
}

// auctionBids is how many bids an auction had in a window.
type auctionBids struct{ auction, bids int64 }

type bidCount struct{}

func (bidCount) New() int64               { return 0 }
func (bidCount) Add(n int64, _ Bid) int64 { return n + 1 }
func (bidCount) Merge(a, b int64) int64   { return a + b }
func (bidCount) Result(auction int64, _ window.TimeWindow, n int64) auctionBids {
	return auctionBids{auction, n}
}

// most is the highest count so far, and the auctions that have it.
type most struct {
	bids     int64
	auctions []int64
}

type hottest struct{}

func (hottest) New() most { return most{} }

func (hottest) Add(m most, c auctionBids) most {
	if c.bids > m.bids {
		m.bids, m.auctions = c.bids, m.auctions[:0]
	}
	if c.bids == m.bids {
		m.auctions = append(m.auctions, c.auction)
	}
	return m
}

func (h hottest) Merge(a, b most) most {
	for _, auction := range b.auctions {
		a = h.Add(a, auctionBids{auction, b.bids})
	}
	return a
}

func (hottest) Result(_ struct{}, w window.TimeWindow, m most) HotItems {
	return HotItems{window.TimeWindow{Start: w.End - windowSize.Milliseconds(), End: w.End}, slices.Sorted(slices.Values(m.auctions)), m.bids}
}

func (hottest) Codec() state.Codec[most] { return mostCodec }

var mostCodec = codec.Func("nexmark.most/1", func(dst []byte, m most) ([]byte, error) {
	return appendInts(appendInts(dst, m.bids, int64(len(m.auctions))), m.auctions...), nil
}, func(src []byte) (m most, err error) {
	f := fields{rest: src}
	m.bids = f.int()
	for n := f.int(); n > 0 && f.err == nil; n-- {
		m.auctions = append(m.auctions, f.int())
	}
	return m, f.end()
})
