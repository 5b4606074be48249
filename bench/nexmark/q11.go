package nexmark

import (
	"time"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

const sessionGap = 10 * time.Second

// BidderSession is a result of Q11: how many bids someone made without a pause of more than ten seconds. The window ends ten seconds after the last.
type BidderSession struct {
	Bidder int64
	Window window.TimeWindow
	Bids   int64
}

// Q11 is how many bids each bidder made in each session.
func Q11(events stream.DataStream[Event]) stream.DataStream[BidderSession] {
	byBidder := stream.KeyBy(bids(events), func(b Bid) int64 { return b.Bidder })
	return stream.Aggregate(stream.Window(byBidder, window.EventTimeSession(sessionGap)), "sessions", sessionCount{})
}

type sessionCount struct{}

func (sessionCount) New() int64               { return 0 }
func (sessionCount) Add(n int64, _ Bid) int64 { return n + 1 }
func (sessionCount) Merge(a, b int64) int64   { return a + b }
func (sessionCount) Result(bidder int64, w window.TimeWindow, n int64) BidderSession {
	return BidderSession{bidder, w, n}
}
