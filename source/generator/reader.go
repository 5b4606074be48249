package generator

import (
	"context"
	"time"

	"github.com/millrace/millrace/source"
)

// chunkRecords is how many records one Fetch hands over at most.
const chunkRecords = 512

type reader[T any] struct {
	make     func() func(split int, i int64) (T, time.Time)
	split    int
	at, stop int64
	pace     pace
}

func (r *reader[T]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.at >= r.stop {
		return nil, source.EOF
	}
	n, caughtUp, err := r.pace.take(ctx, min(chunkRecords, r.stop-r.at))
	if err != nil {
		return nil, err
	}
	c := &chunk[T]{record: r.make(), split: r.split, at: r.at, end: r.at + n}
	c.atEnd = caughtUp || c.end == r.stop
	r.at = c.end
	return c, nil
}

func (r *reader[T]) Close() error { return nil }

// chunk makes its records when they are walked.
type chunk[T any] struct {
	record  func(split int, i int64) (T, time.Time)
	split   int
	at, end int64
	atEnd   bool
}

func (c *chunk[T]) Next(r *source.Record[T]) bool {
	if c.at >= c.end {
		return false
	}
	v, ts := c.record(c.split, c.at)
	*r = source.Record[T]{Value: v, Timestamp: source.NoTimestamp, Offset: c.at}
	if !ts.IsZero() {
		r.Timestamp = ts.UnixMilli()
	}
	c.at++
	return true
}

func (c *chunk[T]) End() int64  { return c.end }
func (c *chunk[T]) AtEnd() bool { return c.atEnd }
