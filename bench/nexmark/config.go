package nexmark

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/watermark"
)

// Of 50 events one is a person, three are auctions and the rest are bids, in this order.
const (
	eventsInRound   = 50
	personsInRound  = 1
	auctionsInRound = 3
)

// BaseTime is the event time of the first event: 15 July 2015, 00:00 UTC.
const BaseTime int64 = 1_436_918_400_000

// Config describes a stream of events. Every field has a default, which its zero value stands for.
type Config struct {
	Events     int64 // of all generators together; 100,000
	Rate       int64 // events per second of event time, of all generators together; 10,000
	Generators int   // that run side by side in event time, each with ids of its own: the splits of a Source; 1
	GroupSize  int64 // events within a group of so many are out of order; 1, which is in order

	InFlightAuctions int64 // auctions that bids choose from; 100
	ActivePeople     int64 // people who sell and bid; 1,000
	HotAuctionRatio  int32 // of so many bids all but one are for a hot auction; 2
	HotSellersRatio  int32 // of so many auctions all but one are of a hot seller; 4
	HotBiddersRatio  int32 // of so many bids all but one are of a hot bidder; 4

	PersonSize, AuctionSize, BidSize int // average bytes; 200, 500, 100
}

// filled is c with defaults in place of zeros.
func (c Config) filled() Config {
	for _, f := range []struct {
		field *int64
		value int64
	}{{&c.Events, 100_000}, {&c.Rate, 10_000}, {&c.GroupSize, 1}, {&c.InFlightAuctions, 100}, {&c.ActivePeople, 1000}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *int32
		value int32
	}{{&c.HotAuctionRatio, 2}, {&c.HotSellersRatio, 4}, {&c.HotBiddersRatio, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *int
		value int
	}{{&c.Generators, 1}, {&c.PersonSize, 200}, {&c.AuctionSize, 500}, {&c.BidSize, 100}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return c
}

// Err says what makes no sense in the config, all of it, or is nil.
func (c Config) Err() error {
	c = c.filled()
	var all []error
	for _, f := range []struct {
		name        string
		value, most int64
	}{
		{"Events", c.Events, 1 << 50}, {"Rate", c.Rate, 2_000_000}, {"Generators", int64(c.Generators), 1 << 16}, {"GroupSize", c.GroupSize, 1 << 20},
		{"InFlightAuctions", c.InFlightAuctions, 1 << 30}, {"ActivePeople", c.ActivePeople, 1 << 30},
		{"HotAuctionRatio", int64(c.HotAuctionRatio), 1 << 30}, {"HotSellersRatio", int64(c.HotSellersRatio), 1 << 30}, {"HotBiddersRatio", int64(c.HotBiddersRatio), 1 << 30},
		{"PersonSize", int64(c.PersonSize), textLongest / 2}, {"AuctionSize", int64(c.AuctionSize), textLongest / 2}, {"BidSize", int64(c.BidSize), textLongest / 2},
	} {
		if f.value < 1 || f.value > f.most {
			all = append(all, fmt.Errorf("nexmark: %s is %d, want 1 to %d, or 0 for the default", f.name, f.value, f.most))
		}
	}
	return errors.Join(all...)
}

// delay is the event time between two events of a generator, in microseconds.
func (c Config) delay() int64 { return (1_000_000 + c.Rate/2) / c.Rate * int64(c.Generators) }

// Watermarks is event time for a Source of this config: in order, or out of order within a group.
func (c Config) Watermarks() watermark.Strategy[Event] {
	c = c.filled()
	at := func(e Event) time.Time { return time.UnixMilli(e.At) }
	if c.GroupSize == 1 {
		return watermark.Monotonous(at)
	}
	return watermark.BoundedOutOfOrderness(time.Duration(c.GroupSize*c.delay())*time.Microsecond, at)
}
