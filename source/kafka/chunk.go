package kafka

import (
	"bytes"
	"slices"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka/internal/batch"
)

// chunk is the batches of one answer, decoded record by record.
type chunk[T any] struct {
	dec     source.Decoder[T]
	batches []batch.Batch
	from    int64 // records before it were read earlier: a batch is answered whole
	stop    int64
	end     int64
	logEnd  int64
	atEnd   bool

	batch, record int // what Next looks at
	raw           source.Raw
}

var _ source.LogEnder = (*chunk[int])(nil)

func newChunk[T any](dec source.Decoder[T], scratch *source.Scratch, split source.Split, batches []batch.Batch, from, end, logEnd int64, atEnd bool) *chunk[T] {
	c := &chunk[T]{dec: dec, batches: batches, from: from, stop: split.Stop, end: end, logEnd: logEnd, atEnd: atEnd}
	c.raw.Topic, c.raw.Partition, c.raw.Scratch = split.Topic, split.Partition, scratch
	return c
}

// Next implements source.Chunk.
func (c *chunk[T]) Next(r *source.Record[T]) bool {
	for c.batch < len(c.batches) {
		b := &c.batches[c.batch]
		if c.record == len(b.Records) {
			c.batch, c.record = c.batch+1, 0
			continue
		}
		rec := &b.Records[c.record]
		c.record++
		offset := b.FirstOffset + int64(rec.OffsetDelta)
		if offset < c.from {
			continue
		}
		if offset >= c.stop {
			c.batch = len(c.batches)
			return false
		}
		c.decode(b, rec, offset, r)
		return true
	}
	return false
}

func (c *chunk[T]) decode(b *batch.Batch, rec *batch.Record, offset int64, r *source.Record[T]) {
	ts := b.FirstTimestamp
	if b.AppendTime {
		ts = b.MaxTimestamp
	} else if ts != source.NoTimestamp {
		ts += rec.TimestampDelta
	}
	key, value := b.Key(rec), b.Value(rec)
	c.raw.Offset, c.raw.Timestamp, c.raw.Key, c.raw.Value = offset, ts, key, value
	c.raw.Headers = b.AppendHeaders(c.raw.Headers[:0], rec)
	v, err := c.dec.DecodeRecord(&c.raw)
	r.Timestamp, r.Offset, r.Size = ts, offset, int32(len(key)+len(value))
	if err != nil {
		var zero T
		r.Value, r.Err = zero, &source.DecodeError{Raw: copyRaw(&c.raw), Err: err}
		return
	}
	r.Value, r.Err = v, nil
}

// End implements source.Chunk.
func (c *chunk[T]) End() int64 { return c.end }

// AtEnd implements source.Chunk.
func (c *chunk[T]) AtEnd() bool { return c.atEnd }

// LogEnd implements source.LogEnder: the high watermark, or with ReadCommitted the last stable offset.
func (c *chunk[T]) LogEnd() int64 { return c.logEnd }

func copyRaw(r *source.Raw) source.Raw {
	c := *r
	c.Scratch = nil
	c.Key, c.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	c.Headers = slices.Clone(r.Headers)
	for i, h := range c.Headers {
		c.Headers[i] = source.Header{Key: string(append([]byte(nil), h.Key...)), Value: bytes.Clone(h.Value)}
	}
	return c
}
