// Package batch reads the record batches of Kafka's log (message format 2, Kafka 0.11 and later) where they lie: keys and values alias the bytes that a
// broker sent, and a batch's records are an index of them without a pointer, so that the garbage collector has nothing to look at.
//
// The format is in Kafka's documentation, "Record Batch" under "Message Format".
package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/millrace/millrace/source"
)

// Where the fields of a batch's header lie.
const (
	lengthAt    = 8
	magicAt     = 16
	checksumAt  = 17
	checkedFrom = 21 // what the checksum is of: all from here
	countAt     = 57
	headerSize  = 61
)

const (
	codecMask     = 0x07
	appendTimeBit = 0x08
	transactional = 0x10
	controlBit    = 0x20
)

var (
	// ErrTruncated is a batch that the answer's limit cut off: it is to be asked for again.
	ErrTruncated = errors.New("record batch is cut off")
	// ErrOldFormat is a batch in a format of before Kafka 0.11.
	ErrOldFormat = errors.New("records in a format older than Kafka 0.11 cannot be read: let the broker rewrite the topic")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is the header of a record batch, and its records once it was opened.
type Batch struct {
	FirstOffset, LastOffset int64
	// FirstTimestamp is what the records' times count from, MaxTimestamp the batch's latest, in milliseconds; source.NoTimestamp where it has none.
	FirstTimestamp, MaxTimestamp int64
	ProducerID                   int64
	AppendTime                   bool // MaxTimestamp is the time of all records: when the broker wrote them
	Transactional, Control       bool

	Records []Record // after Open

	codec int8
	count int32
	data  []byte // the records' bytes; after Open without compression
}

// Read takes the first batch off the bytes of an answer, which must not change from now on. Its checksum is compared, its records are not looked at yet.
func Read(raw []byte) (b Batch, rest []byte, err error) {
	if len(raw) <= magicAt {
		return b, nil, ErrTruncated
	}
	b.FirstOffset = int64(binary.BigEndian.Uint64(raw))
	if magic := raw[magicAt]; magic < 2 {
		return b, nil, fmt.Errorf("offset %d: %w", b.FirstOffset, ErrOldFormat)
	} else if magic > 2 {
		return b, nil, fmt.Errorf("offset %d: a record batch is of format %d, which this version does not know", b.FirstOffset, magic)
	}
	length := int(int32(binary.BigEndian.Uint32(raw[lengthAt:])))
	size := lengthAt + 4 + length
	if size < headerSize {
		return b, nil, fmt.Errorf("offset %d: a record batch of %d bytes is shorter than its header", b.FirstOffset, size)
	}
	if size > len(raw) {
		return b, nil, ErrTruncated
	}
	raw, rest = raw[:size:size], raw[size:]
	want := binary.BigEndian.Uint32(raw[checksumAt:])
	if got := crc32.Checksum(raw[checkedFrom:], castagnoli); got != want {
		return b, nil, fmt.Errorf("offset %d: a record batch has the checksum %08x, its bytes have %08x", b.FirstOffset, want, got)
	}
	attributes := binary.BigEndian.Uint16(raw[21:])
	lastDelta := int32(binary.BigEndian.Uint32(raw[23:]))
	b.LastOffset = b.FirstOffset + int64(lastDelta)
	b.FirstTimestamp, b.MaxTimestamp = timestamp(raw[27:]), timestamp(raw[35:])
	b.ProducerID = int64(binary.BigEndian.Uint64(raw[43:]))
	b.AppendTime, b.Transactional, b.Control = attributes&appendTimeBit != 0, attributes&transactional != 0, attributes&controlBit != 0
	b.codec, b.count, b.data = int8(attributes&codecMask), int32(binary.BigEndian.Uint32(raw[countAt:])), raw[headerSize:]
	if lastDelta < 0 || b.count < 0 {
		return b, nil, fmt.Errorf("offset %d: a record batch has %d records up to %d offsets after its first", b.FirstOffset, b.count, lastDelta)
	}
	return b, rest, nil
}

// timestamp is milliseconds; a negative one is none.
func timestamp(b []byte) int64 {
	if ms := int64(binary.BigEndian.Uint64(b)); ms >= 0 {
		return ms
	}
	return source.NoTimestamp
}

// Open decompresses the batch and finds its records.
func (b *Batch) Open() (err error) {
	if b.data, err = decompress(b.codec, b.data); err == nil {
		b.Records, err = index(b.data, int(b.count))
	}
	if err != nil {
		return fmt.Errorf("record batch at offset %d: %w", b.FirstOffset, err)
	}
	return nil
}
