package main

import (
	"context"
	"errors"
	"hash/maphash"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

const (
	handLoops  = 2   // that read, and as many that keep the users
	handBatch  = 512 // events that are handed over together
	handCredit = 4   // batches between two loops
)

// handed is what a loop that reads hands to one that keeps users.
type handed struct {
	events []*pb.ClickEvent
	reader int
	latest int64 // the reader's events from here on are not more than a minute older
	free   chan *handed
}

// exchangeByHand is the session job without an engine and with an exchange: loops that read and decode, and loops that keep the users, with batches of events between them that
// are used again. It is what goroutines and channels have to give where each event may go to another core.
func exchangeByHand(ctx context.Context, src source.Source[*pb.ClickEvent]) (total, error) {
	var sum total
	in, err := src.Open(ctx, source.Env{})
	if err != nil {
		return sum, err
	}
	defer in.Close()
	splits, err := in.Splits(ctx)
	if err != nil {
		return sum, err
	}
	seed := maphash.MakeSeed()
	var inboxes [handLoops]chan *handed
	for i := range inboxes {
		inboxes[i] = make(chan *handed, handLoops*handCredit)
	}
	loops, ctx := errgroup.WithContext(ctx)
	for i := range handLoops {
		loops.Go(func() error {
			var mine []source.Split
			for n := i; n < len(splits); n += handLoops {
				mine = append(mine, splits[n])
			}
			return readByHand(ctx, in, mine, newHands(i, seed, inboxes[:]))
		})
	}
	var sums [handLoops]total
	for i := range handLoops {
		loops.Go(func() error { return keepByHand(ctx, inboxes[i], &sums[i]) })
	}
	if err := loops.Wait(); err != nil {
		return sum, err
	}
	for _, s := range sums {
		sum.merge(s)
	}
	return sum, nil
}

// hands is a reading loop's end of its lanes.
type hands struct {
	reader  int
	seed    maphash.Seed
	inboxes []chan *handed
	free    []chan *handed
	open    []*handed
}

func newHands(reader int, seed maphash.Seed, inboxes []chan *handed) *hands {
	h := &hands{reader: reader, seed: seed, inboxes: inboxes, open: make([]*handed, len(inboxes))}
	for range inboxes {
		free := make(chan *handed, handCredit)
		for range handCredit {
			free <- &handed{events: make([]*pb.ClickEvent, 0, handBatch), reader: reader, free: free}
		}
		h.free = append(h.free, free)
	}
	return h
}

func (h *hands) push(ctx context.Context, e *pb.ClickEvent, latest int64) error {
	to := maphash.String(h.seed, e.UserId) % uint64(len(h.inboxes))
	if h.open[to] == nil {
		if err := h.take(ctx, to); err != nil {
			return err
		}
	}
	b := h.open[to]
	if b.events = append(b.events, e); len(b.events) == handBatch {
		h.send(to, latest)
	}
	return nil
}

// take waits for a free batch, to be filled next.
func (h *hands) take(ctx context.Context, to uint64) error {
	select {
	case h.open[to] = <-h.free[to]:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send always has room: an inbox holds all batches there are.
func (h *hands) send(to uint64, latest int64) {
	h.open[to].latest = latest
	h.inboxes[to] <- h.open[to]
	h.open[to] = nil
}

// end says that no more events come.
func (h *hands) end(ctx context.Context) error {
	for to := range uint64(len(h.inboxes)) {
		if h.open[to] == nil {
			if err := h.take(ctx, to); err != nil {
				return err
			}
		}
		h.send(to, math.MaxInt64)
	}
	return nil
}

// reading is a split that is read.
type reading struct {
	source.Reader[*pb.ClickEvent]
	latest int64
}

// readByHand takes a chunk of one split after the other, so that none is far ahead.
func readByHand(ctx context.Context, in source.Session[*pb.ClickEvent], splits []source.Split, to *hands) error {
	var all []*reading
	for _, split := range splits {
		from, err := in.Reader(ctx, split, split.Start)
		if err != nil {
			return err
		}
		defer from.Close()
		all = append(all, &reading{from, math.MinInt64})
	}
	var r source.Record[*pb.ClickEvent]
	for left := len(all); left > 0; {
		for _, s := range all {
			if s.latest == math.MaxInt64 {
				continue
			}
			chunk, err := s.Fetch(ctx)
			if errors.Is(err, source.EOF) {
				s.latest = math.MaxInt64
				left--
				continue
			}
			if err != nil {
				return err
			}
			latest := earliest(all)
			for chunk.Next(&r) {
				if r.Err != nil {
					return r.Err
				}
				s.latest = max(s.latest, r.Value.EventTimestamp)
				if err := to.push(ctx, r.Value, latest); err != nil {
					return err
				}
			}
		}
	}
	return to.end(ctx)
}

// earliest is what all of them have reached.
func earliest(all []*reading) int64 {
	latest := int64(math.MaxInt64)
	for _, s := range all {
		latest = min(latest, s.latest)
	}
	return latest
}

// keepByHand keeps the users whose events come to it.
func keepByHand(ctx context.Context, inbox <-chan *handed, t *total) error {
	open := users{}
	var latest [handLoops]int64
	for i := range latest {
		latest[i] = math.MinInt64
	}
	for ended := 0; ended < handLoops; {
		var b *handed
		select {
		case b = <-inbox:
		case <-ctx.Done():
			return ctx.Err()
		}
		watermark := int64(math.MinInt64)
		if reached := slices.Min(latest[:]); reached > math.MinInt64 {
			watermark = reached - 60_000 - 1
		}
		for _, e := range b.events {
			open.named(e.UserId).add(e, watermark, t)
		}
		if latest[b.reader] = b.latest; b.latest == math.MaxInt64 {
			ended++
		}
		clear(b.events)
		b.events = b.events[:0]
		b.free <- b
	}
	open.close(t)
	return nil
}
