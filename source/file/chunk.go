package file

import (
	"bytes"
	"math"

	"github.com/millrace/millrace/source"
)

// span is a record in a chunk's buffer: it begins where the one before it ends.
type span struct {
	offset int64
	end    int
}

type chunk[T any] struct {
	decoder source.Decoder[T]
	buf     []byte // belongs to the chunk, so decoders may alias it
	records []span
	next    int
	begin   int
	raw     source.Raw
	end     int64
	atEnd   bool
}

func (c *chunk[T]) Next(r *source.Record[T]) bool {
	if c.next == len(c.records) {
		return false
	}
	s := c.records[c.next]
	c.raw.Offset, c.raw.Value = s.offset, c.buf[c.begin:s.end:s.end]
	c.next, c.begin = c.next+1, s.end
	v, err := c.decoder.DecodeRecord(&c.raw)
	*r = source.Record[T]{Value: v, Timestamp: source.NoTimestamp, Offset: s.offset, Size: int32(min(len(c.raw.Value), math.MaxInt32))}
	if err != nil {
		var zero T
		bad := c.raw
		bad.Value, bad.Scratch = bytes.Clone(c.raw.Value), nil
		r.Value, r.Err = zero, &source.DecodeError{Raw: bad, Err: err}
	}
	return true
}

func (c *chunk[T]) End() int64  { return c.end }
func (c *chunk[T]) AtEnd() bool { return c.atEnd }
