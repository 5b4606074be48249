package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/millrace/millrace/source"
)

// Record says where a record lies in its batch.
type Record struct {
	TimestampDelta int64 // milliseconds since the batch's FirstTimestamp
	OffsetDelta    int32 // since its FirstOffset
	key, value     span
	headers        span // at is where they begin, size how many they are
}

// span is a piece of the batch's bytes; a negative size is none, which is not the same as an empty one.
type span struct{ at, size int32 }

// smallest is the size of a record without a key, a value and headers.
const smallest = 7

var errMalformed = errors.New("a record does not fit its length")

// index finds the records in a batch's bytes, all of which they must take.
func index(data []byte, count int) ([]Record, error) {
	if count > len(data)/smallest || len(data) > math.MaxInt32 {
		return nil, fmt.Errorf("%d records are said to be in %d bytes", count, len(data))
	}
	records := make([]Record, count)
	at := 0
	for i := range records {
		if at = records[i].read(data, at); at < 0 {
			return nil, fmt.Errorf("record %d of %d: %w", i, count, errMalformed)
		}
	}
	if at != len(data) {
		return nil, fmt.Errorf("%d bytes follow the last of %d records", len(data)-at, count)
	}
	return records, nil
}

// Key of one of the batch's records; nil if it has none.
func (b *Batch) Key(r *Record) []byte { return b.bytes(r.key) }

// Value of one of the batch's records; nil if it has none.
func (b *Batch) Value(r *Record) []byte { return b.bytes(r.value) }

func (b *Batch) bytes(s span) []byte {
	if s.size < 0 {
		return nil
	}
	return b.data[s.at : s.at+s.size : s.at+s.size]
}

// AppendHeaders adds the headers of one of the batch's records to dst. Their keys alias the batch's bytes, which never change.
func (b *Batch) AppendHeaders(dst []source.Header, r *Record) []source.Header {
	at := int(r.headers.at)
	for range r.headers.size {
		var key, value span
		key, at = piece(b.data, at)
		value, at = piece(b.data, at)
		k := b.bytes(key)
		dst = append(dst, source.Header{Key: unsafe.String(unsafe.SliceData(k), len(k)), Value: b.bytes(value)})
	}
	return dst
}

// read reads the record at a place of a batch's bytes, and returns the place behind it; a negative one, here and below, is that of bytes which make no sense,
// and stays negative.
func (r *Record) read(data []byte, at int) int {
	length, at := varint(data, at)
	if at < 0 || length < smallest-1 || length > int64(len(data)-at) {
		return -1
	}
	end := at + int(length)
	at++ // attributes, of which none is in use
	var offset, headers int64
	r.TimestampDelta, at = varint(data, at)
	offset, at = varint(data, at)
	r.key, at = piece(data, at)
	r.value, at = piece(data, at)
	headers, at = varint(data, at)
	if at < 0 || offset < 0 || offset > math.MaxInt32 || headers < 0 || headers > length {
		return -1
	}
	r.OffsetDelta, r.headers = int32(offset), span{at: int32(at), size: int32(headers)}
	for range headers {
		var key span
		if key, at = piece(data, at); key.size < 0 {
			return -1
		}
		_, at = piece(data, at)
	}
	if at != end {
		return -1
	}
	return at
}

// piece reads a length and steps over as many bytes.
func piece(data []byte, at int) (span, int) {
	size, at := varint(data, at)
	if at < 0 || size < -1 || size > int64(len(data)-at) {
		return span{size: -1}, -1
	}
	return span{at: int32(at), size: int32(size)}, at + int(max(0, size))
}

// varint reads a number, most of which here take two bytes.
func varint(data []byte, at int) (int64, int) {
	if at < 0 {
		return 0, -1
	}
	if at+1 < len(data) {
		low, high := data[at], data[at+1]
		if low < 0x80 {
			return zigzag(uint64(low)), at + 1
		}
		if high < 0x80 {
			return zigzag(uint64(low&0x7f) | uint64(high)<<7), at + 2
		}
	}
	v, n := binary.Varint(data[at:])
	if n <= 0 {
		return 0, -1
	}
	return v, at + n
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
