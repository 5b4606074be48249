package streamtest

import (
	"context"
	"math"
	"sync"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/watermark"
)

// item is what the source of a harness reads: a record, or event time alone.
type item[T any] struct {
	value     T
	at        int64
	control   bool
	watermark int64
}

// feed is the source of a harness: one split without end, of what the test hands it.
type feed[T any] struct {
	chunks chan *piece[T]
	end    chan struct{}
}

func newFeed[T any]() *feed[T] {
	return &feed[T]{chunks: make(chan *piece[T]), end: make(chan struct{})}
}

// strategy moves event time by control items only.
func (f *feed[T]) strategy() watermark.Strategy[item[T]] {
	return watermark.Custom("by the test", nil, func() watermark.Generator[item[T]] { return byTest[T]{} })
}

type byTest[T any] struct{}

func (byTest[T]) OnRecord(i item[T], _ int64) int64 {
	if i.control {
		return i.watermark
	}
	return math.MinInt64
}

func (byTest[T]) Restore(int64) {}

func (f *feed[T]) Open(context.Context, source.Env) (source.Session[item[T]], error) {
	return feedSession[T]{f}, nil
}

func (f *feed[T]) String() string { return "test" }

type feedSession[T any] struct{ *feed[T] }

func (s feedSession[T]) Splits(context.Context) ([]source.Split, error) {
	return []source.Split{{ID: "test/0", Topic: "test", Partitions: 1, Stop: source.Unbounded}}, nil
}

func (s feedSession[T]) Reader(_ context.Context, _ source.Split, at int64) (source.Reader[item[T]], error) {
	return &feedReader[T]{s.feed, at}, nil
}

func (s feedSession[T]) Close() error { return nil }

type feedReader[T any] struct {
	*feed[T]
	at int64
}

func (r *feedReader[T]) Fetch(ctx context.Context) (source.Chunk[item[T]], error) {
	select {
	case p := <-r.chunks:
		p.offset = r.at
		r.at += int64(len(p.items))
		return p, nil
	case <-r.end:
		return nil, source.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *feedReader[T]) Close() error { return nil }

// piece is a chunk that tells when all of it has been through the chain.
type piece[T any] struct {
	items  []item[T]
	offset int64
	next   int
	used   chan struct{}
	once   sync.Once
}

func (p *piece[T]) Next(r *source.Record[item[T]]) bool {
	if p.next == len(p.items) {
		p.once.Do(func() { close(p.used) })
		return false
	}
	i := p.items[p.next]
	*r = source.Record[item[T]]{Value: i, Timestamp: i.at, Offset: p.offset + int64(p.next)}
	p.next++
	return true
}

func (p *piece[T]) End() int64  { return p.offset + int64(len(p.items)) }
func (p *piece[T]) AtEnd() bool { return true }
