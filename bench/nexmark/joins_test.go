package nexmark

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/stream/streamtest"
)

func push[O any](h *streamtest.Harness[Event, O], events ...Event) {
	for _, e := range events {
		h.Push(e, time.UnixMilli(e.At))
	}
}

func auctionAt(at, reserve, expires int64) Event {
	return Event{Kind: IsAuction, At: at, Auction: &Auction{ID: 7, Seller: 3, Category: FirstCategory, At: at, Reserve: reserve, Expires: expires}}
}

func bidAt(at, bidder, price int64) Event {
	return Event{Kind: IsBid, At: at, Bid: Bid{Auction: 7, Bidder: bidder, Price: price, At: at}}
}

func TestWinningBid(t *testing.T) {
	const wait = 600_000
	for _, c := range []struct {
		name   string
		events []Event
		winner int64 // the bidder; 0 for none
	}{
		{"the highest", []Event{auctionAt(0, 5, 100), bidAt(1, 1, 6), bidAt(2, 2, 9), bidAt(3, 3, 8)}, 2},
		{"the reserve is enough, less is not", []Event{auctionAt(0, 5, 100), bidAt(1, 1, 4), bidAt(2, 2, 5)}, 2},
		{"none reaches the reserve", []Event{auctionAt(0, 5, 100), bidAt(1, 1, 4)}, 0},
		{"in the last millisecond", []Event{auctionAt(0, 5, 100), bidAt(100, 1, 6)}, 1},
		{"after it", []Event{auctionAt(0, 5, 100), bidAt(99, 2, 5), bidAt(101, 1, 6)}, 2},
		{"the earlier of equals, which comes later", []Event{auctionAt(0, 5, 100), bidAt(9, 1, 6), bidAt(8, 2, 6)}, 2},
		{"the lower bidder of equals at one time", []Event{auctionAt(0, 5, 100), bidAt(9, 2, 6), bidAt(9, 1, 6), bidAt(9, 3, 6)}, 1},
		{"before its auction", []Event{bidAt(0, 1, 9), bidAt(0, 2, 4), auctionAt(wait, 5, wait+100), bidAt(wait, 3, 6)}, 1},
		{"too long before its auction", []Event{bidAt(0, 1, 9), auctionAt(wait+1, 5, wait+100), bidAt(wait+2, 3, 6)}, 3},
	} {
		for _, waits := range []bool{false, true} { // whether time moves as the events do, or only at the end
			h := streamtest.New(t, Q9)
			for _, e := range c.events {
				if push(h, e); waits {
					h.Watermark(time.UnixMilli(e.At - 2))
				}
			}
			h.End()
			var winners []int64
			for _, w := range h.Take() {
				winners = append(winners, w.Bid.Bidder)
			}
			if c.winner == 0 {
				require.Empty(t, winners, c.name)
			} else {
				require.Equal(t, []int64{c.winner}, winners, c.name)
			}
		}
	}
}

// Were there another auction of the same number, it would not get the bid that came soon after the first was closed.
func TestBidsForAClosedAuctionAreDropped(t *testing.T) {
	h := streamtest.New(t, Q9)
	push(h, auctionAt(0, 5, 100), bidAt(1, 1, 6))
	h.Watermark(time.UnixMilli(100))
	require.Len(t, h.Take(), 1)
	push(h, bidAt(101, 2, 9))
	h.Watermark(time.UnixMilli(100 + closedFor.Milliseconds()))
	push(h, bidAt(90_000, 3, 8), auctionAt(95_000, 5, 95_100))
	h.End()
	again := h.Take()
	require.Len(t, again, 1)
	require.Equal(t, int64(3), again[0].Bid.Bidder)
}

func TestSellersMayComeLater(t *testing.T) {
	const wait = 600_000
	seller := func(at int64, state string) Event {
		return Event{Kind: IsPerson, At: at, Person: &Person{ID: 3, Name: "Kate Jones", City: "Kent", State: state, At: at}}
	}
	other := auctionAt(0, 5, 100)
	other.Auction.Category++
	for _, c := range []struct {
		name    string
		events  []Event
		results int
	}{
		{"before", []Event{seller(0, "OR"), auctionAt(9*wait, 5, 100), auctionAt(9*wait, 5, 100)}, 2},
		{"after", []Event{auctionAt(0, 5, 100), seller(wait, "ID")}, 1},
		{"too late for one of two", []Event{auctionAt(0, 5, 100), auctionAt(2, 5, 100), seller(wait+1, "CA"), auctionAt(wait+2, 5, 100)}, 2},
		{"elsewhere", []Event{auctionAt(0, 5, 100), seller(1, "WA")}, 0},
		{"another category", []Event{other, seller(1, "CA")}, 0},
	} {
		for _, waits := range []bool{false, true} {
			h := streamtest.New(t, Q3)
			for _, e := range c.events {
				if push(h, e); waits {
					h.Watermark(time.UnixMilli(e.At - 2))
				}
			}
			h.End()
			require.Len(t, h.Take(), c.results, c.name)
		}
	}
}
