package memory

import "github.com/millrace/millrace/source"

// chunk is a view of consecutive values; values[0] is at offset.
type chunk[T any] struct {
	config      *config[T]
	values      []T
	offset, end int64
	logEnd      int64
	atEnd       bool
}

var _ source.LogEnder = (*chunk[int])(nil)

func (c *chunk[T]) Next(r *source.Record[T]) bool {
	if len(c.values) == 0 {
		return false
	}
	v := c.values[0]
	c.values = c.values[1:]
	*r = source.Record[T]{Value: v, Timestamp: source.NoTimestamp, Offset: c.offset}
	if c.config.timestamp != nil {
		r.Timestamp = c.config.timestamp(v).UnixMilli()
	}
	c.offset++
	return true
}

func (c *chunk[T]) End() int64  { return c.end }
func (c *chunk[T]) AtEnd() bool { return c.atEnd }

// LogEnd implements source.LogEnder.
func (c *chunk[T]) LogEnd() int64 { return c.logEnd }
