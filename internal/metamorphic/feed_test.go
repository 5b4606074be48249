package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// feed is a bounded source over splits of events, which hands out chunks of random sizes at random moments and may fail or call stop on the way.
type feed struct {
	splits [][]event
	codec  state.Codec[event]
	seed   uint64
	chunk  int
	slow   bool
	uneven bool
	live   bool
	gate   func(records int) error // asked before each fetch of so many records; may be nil
}

// half is every other split, from the first on or from the second; the whole feed where it is not divided.
func (f *feed) half(divided bool, from int) *feed {
	if !divided {
		return f
	}
	h := *f
	h.splits = nil
	for i := from; i < len(f.splits); i += 2 {
		h.splits = append(h.splits, f.splits[i])
	}
	if h.splits == nil {
		h.splits = [][]event{nil}
	}
	return &h
}

var errBroken = errors.New("broken on purpose")

func (f *feed) Codec() state.Codec[event] { return f.codec }
func (f *feed) String() string            { return fmt.Sprintf("feed of %d splits", len(f.splits)) }

func (f *feed) Open(context.Context, source.Env) (source.Session[event], error) { return f, nil }
func (f *feed) Close() error                                                    { return nil }

func (f *feed) Splits(context.Context) ([]source.Split, error) {
	var out []source.Split
	for i, events := range f.splits {
		out = append(out, source.Split{
			ID: fmt.Sprintf("log/%d", i), Topic: "log", Partition: int32(i), Partitions: int32(len(f.splits)), Stop: int64(len(events)),
		})
	}
	return out, nil
}

func (f *feed) Reader(_ context.Context, split source.Split, at int64) (source.Reader[event], error) {
	r := &feedReader{feed: f, events: f.splits[split.Partition], at: at, r: rand.New(rand.NewPCG(f.seed, uint64(at)<<8+uint64(split.Partition)))}
	if f.uneven {
		r.lag = time.Duration(r.r.IntN(3)*r.r.IntN(1500)) * time.Microsecond
	}
	return r, nil
}

type feedReader struct {
	feed   *feed
	events []event
	at     int64
	r      *rand.Rand
	lag    time.Duration // of some fetches
}

func (r *feedReader) Fetch(ctx context.Context) (source.Chunk[event], error) {
	late := time.Duration(0)
	if r.r.IntN(16) == 0 {
		late = r.lag
	}
	if r.feed.slow && r.r.IntN(4) == 0 {
		late += time.Duration(r.r.IntN(1000)) * time.Microsecond
	}
	if late > 0 {
		wait := time.NewTimer(late)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	chunk := r.feed.chunk
	if r.feed.live {
		chunk = min(chunk, 50)
	}
	n := max(0, min(r.r.IntN(chunk+1), len(r.events)-int(r.at))) // sometimes none
	if r.feed.gate != nil {
		if err := r.feed.gate(n); err != nil {
			return nil, err
		}
	}
	if int(r.at) >= len(r.events) {
		return nil, source.EOF
	}
	c := &feedChunk{events: r.events[r.at:][:n], at: r.at, end: r.at + int64(n), live: r.feed.live}
	r.at = c.end
	return c, nil
}

func (r *feedReader) Close() error { return nil }

type feedChunk struct {
	events  []event
	at, end int64
	live    bool
}

func (c *feedChunk) Next(r *source.Record[event]) bool {
	if len(c.events) == 0 {
		return false
	}
	e := c.events[0]
	c.events = c.events[1:]
	*r = source.Record[event]{Value: e, Timestamp: e.At, Offset: c.at}
	switch e.junk {
	case unreadable:
		r.Value, r.Err = event{}, errors.New("no event")
	case farFuture:
		r.Timestamp -= 48 * hour
	}
	c.at++
	return true
}

func (c *feedChunk) End() int64  { return c.end }
func (c *feedChunk) AtEnd() bool { return c.live }

// countdown returns a gate that lets so many records pass, then does what then says.
func countdown(records int, then func() error) func(int) error {
	var left atomic.Int64
	left.Store(int64(records))
	return func(n int) error {
		if left.Add(-int64(n)) < 0 {
			return then()
		}
		return nil
	}
}
