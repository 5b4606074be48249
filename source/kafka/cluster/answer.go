package cluster

import (
	"encoding/binary"
	"io"

	"github.com/IBM/sarama"
)

// answer reads the answer to a Fetch request, keeps its records, and leaves the rest to be read.
func (t *tap) answer() error {
	version := t.version
	t.version = 0
	var size [4]byte
	if _, err := io.ReadFull(t.Conn, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > uint32(sarama.MaxResponseSize) {
		t.pending = size[:] // sarama says what is wrong with it
		return nil
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(t.Conn, body); err != nil {
		return err
	}
	at, ok := findRecords(body, version)
	if !ok {
		t.pending = append(size[:], body...)
		return nil
	}
	t.kept, t.keeping = body[at.from:at.to:at.to], true
	rest := append(size[:], body[:at.length]...)
	if version >= flexible {
		rest = append(rest, 1) // the length and one
	} else {
		rest = append(rest, 0, 0, 0, 0)
	}
	rest = append(rest, body[at.to:]...)
	binary.BigEndian.PutUint32(rest, uint32(len(rest)-len(size)))
	t.pending = rest
	return nil
}

// flexible is the version of Fetch from which lengths are varints, one more than what they say, and fields can be tagged.
const flexible = 12

// place is where an answer's records are: their length, and their bytes.
type place struct{ length, from, to int }

// findRecords finds the records in an answer of a Fetch of one partition, as Kafka's protocol describes it for the versions 4 to 12.
func findRecords(body []byte, version int16) (p place, ok bool) {
	if version < 4 || version > flexible {
		return p, false
	}
	c := cursor{b: body, flexible: version >= flexible}
	c.skip(4) // correlation
	c.tags()
	c.skip(4) // throttle
	if version >= 7 {
		c.skip(2 + 4) // error, session
	}
	if c.length(4) != 1 { // topics
		return p, false
	}
	c.skip(c.length(2))   // name
	if c.length(4) != 1 { // partitions
		return p, false
	}
	c.skip(4 + 2 + 8 + 8) // partition, error, high watermark, last stable offset
	if version >= 5 {
		c.skip(8) // log start
	}
	for range c.length(4) { // aborted transactions
		if !c.skip(8 + 8) { // producer, first offset
			return p, false
		}
		c.tags()
	}
	if version >= 11 {
		c.skip(4) // preferred replica
	}
	p.length = c.at
	size := c.length(4)
	p.from = c.at
	c.skip(size)
	p.to = c.at
	return p, !c.short && size >= 0
}

// cursor reads Kafka's protocol from the front. Once something was not there, short is set and all is zero.
type cursor struct {
	b        []byte
	at       int
	flexible bool
	short    bool
}

// skip steps over n bytes; a negative n is a length of nothing.
func (c *cursor) skip(n int) bool {
	n = max(0, n)
	if c.short = c.short || n > len(c.b)-c.at; !c.short {
		c.at += n
	}
	return !c.short
}

func (c *cursor) int16() int16 {
	if !c.skip(2) {
		return 0
	}
	return int16(binary.BigEndian.Uint16(c.b[c.at-2:]))
}

// length reads the length of an array or of bytes, which takes size bytes in versions that are not flexible. It is -1 for null.
func (c *cursor) length(size int) int {
	switch {
	case c.flexible:
		return c.uvarint() - 1
	case size == 2:
		return int(c.int16())
	case !c.skip(size):
		return 0
	}
	return int(int32(binary.BigEndian.Uint32(c.b[c.at-size:])))
}

func (c *cursor) uvarint() int {
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 || v > uint64(len(c.b)) { // nothing that is counted here is more than there are bytes
		c.short = true
		return 0
	}
	c.at += n
	return int(v)
}

// tags steps over tagged fields.
func (c *cursor) tags() {
	if !c.flexible {
		return
	}
	for range c.uvarint() {
		c.uvarint()
		if !c.skip(c.uvarint()) {
			return
		}
	}
}
