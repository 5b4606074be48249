package kafka

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source"
)

// chunk is the batches of one answer, decoded record by record.
type chunk[T any] struct {
	dec     source.Decoder[T]
	batches []*sarama.RecordBatch
	from    int64 // records before it were read earlier: a batch is answered whole
	stop    int64
	end     int64
	logEnd  int64
	atEnd   bool

	batch, record int // what Next looks at
	base          int64
	appended      int64 // the batch's append time, or NoTimestamp where records have their own
	first         int64 // the timestamp that record deltas count from, or NoTimestamp
	raw           source.Raw
}

var _ source.LogEnder = (*chunk[int])(nil)

func newChunk[T any](dec source.Decoder[T], scratch *source.Scratch, split source.Split, batches []*sarama.RecordBatch, from, end, logEnd int64, atEnd bool) *chunk[T] {
	c := &chunk[T]{dec: dec, batches: batches, from: from, stop: split.Stop, end: end, logEnd: logEnd, atEnd: atEnd}
	c.raw.Topic, c.raw.Partition, c.raw.Scratch = split.Topic, split.Partition, scratch
	c.enter()
	return c
}

// enter reads the header of the batch that comes next.
func (c *chunk[T]) enter() {
	if c.batch == len(c.batches) {
		return
	}
	b := c.batches[c.batch]
	c.record, c.base = 0, b.FirstOffset
	c.first, c.appended = source.NoTimestamp, source.NoTimestamp
	if !b.FirstTimestamp.IsZero() {
		c.first = b.FirstTimestamp.UnixMilli()
	}
	if b.LogAppendTime {
		c.appended = b.MaxTimestamp.UnixMilli()
	}
}

// Next implements source.Chunk.
func (c *chunk[T]) Next(r *source.Record[T]) bool {
	for c.batch < len(c.batches) {
		records := c.batches[c.batch].Records
		if c.record == len(records) {
			c.batch++
			c.enter()
			continue
		}
		rec := records[c.record]
		c.record++
		offset := c.base + rec.OffsetDelta
		if offset < c.from {
			continue
		}
		if offset >= c.stop {
			c.batch = len(c.batches)
			return false
		}
		c.decode(rec, offset, r)
		return true
	}
	return false
}

func (c *chunk[T]) decode(rec *sarama.Record, offset int64, r *source.Record[T]) {
	ts := c.appended
	if ts == source.NoTimestamp && c.first != source.NoTimestamp {
		ts = c.first + rec.TimestampDelta.Milliseconds()
	}
	c.raw.Offset, c.raw.Timestamp, c.raw.Key, c.raw.Value = offset, ts, rec.Key, rec.Value
	c.raw.Headers = appendHeaders(c.raw.Headers[:0], rec.Headers)
	v, err := c.dec.DecodeRecord(&c.raw)
	r.Timestamp, r.Offset, r.Size = ts, offset, int32(len(rec.Key)+len(rec.Value))
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

// appendHeaders makes headers whose keys alias the answer's bytes, which never change.
func appendHeaders(dst []source.Header, hs []*sarama.RecordHeader) []source.Header {
	for _, h := range hs {
		dst = append(dst, source.Header{Key: unsafe.String(unsafe.SliceData(h.Key), len(h.Key)), Value: h.Value})
	}
	return dst
}

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
