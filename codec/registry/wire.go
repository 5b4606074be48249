package registry

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	magic      = 0  // the first byte of a framed record; no protobuf message begins with it, since there is no field 0
	idEnd      = 5  // where the schema id ends
	maxNesting = 32 // of messages within messages
)

// Header is what stands before the message in a framed record.
type Header struct {
	ID   int32 // of the schema
	Path []int // which message of the schema's file: [0] is the first, [0 2] the third within the first
}

// Append appends the header in its shortest form. An empty path is written as [0].
func (h Header) Append(dst []byte) []byte {
	dst = append(dst, magic)
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.ID))
	return appendPath(dst, h.Path)
}

func appendPath(dst []byte, path []int) []byte {
	if len(path) == 0 || len(path) == 1 && path[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(path)))
	for _, i := range path {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}

// Split takes a framed record's value apart. The message shares the value's memory. An error wraps ErrFrame.
func Split(value []byte) (h Header, message []byte, err error) {
	id, path, message, err := split(value)
	if err != nil {
		return Header{}, nil, err
	}
	return Header{id, pathOf(path)}, message, nil
}

// split finds where the parts are, without looking further into the indexes than it takes to find their end.
func split(value []byte) (id int32, path, message []byte, err error) {
	if len(value) == 0 || value[0] != magic {
		return 0, nil, nil, notFramed(value)
	}
	if len(value) < idEnd+1 {
		return 0, nil, nil, fmt.Errorf("%w: %d bytes end within the header, which has at least %d", ErrFrame, len(value), idEnd+1)
	}
	if value[1] > math.MaxInt8 {
		return 0, nil, nil, fmt.Errorf("%w: the schema id % x is negative", ErrFrame, value[1:idEnd])
	}
	id = int32(binary.BigEndian.Uint32(value[1:idEnd]))
	rest := value[idEnd:]
	if rest[0] == 0 {
		return id, rest[:1], rest[1:], nil
	}
	count, n := binary.Varint(rest)
	if n <= 0 || count < 0 || count > maxNesting {
		return 0, nil, nil, fmt.Errorf("%w: after schema id %d come no message indexes but % x", ErrFrame, id, rest[:min(len(rest), 10)])
	}
	for range count {
		i, k := binary.Varint(rest[n:])
		if k <= 0 || i < 0 || i > math.MaxInt32 {
			return 0, nil, nil, fmt.Errorf("%w: the message indexes after schema id %d are broken: % x", ErrFrame, id, rest[:min(len(rest), 10)])
		}
		n += k
	}
	return id, rest[:n], rest[n:], nil
}

// pathOf reads indexes that split has found.
func pathOf(b []byte) []int {
	count, n := binary.Varint(b)
	if count == 0 {
		return []int{0}
	}
	path := make([]int, count)
	for j := range path {
		i, k := binary.Varint(b[n:])
		path[j], n = int(i), n+k
	}
	return path
}

// leadsTo reports whether indexes that split has found are a path, also in a longer form than they need.
func leadsTo(b []byte, path []int) bool {
	count, n := binary.Varint(b)
	if count == 0 {
		return len(path) == 1 && path[0] == 0
	}
	if count != int64(len(path)) {
		return false
	}
	for _, want := range path {
		i, k := binary.Varint(b[n:])
		if i != int64(want) {
			return false
		}
		n += k
	}
	return true
}

func notFramed(value []byte) error {
	if len(value) == 0 {
		return fmt.Errorf("%w: the value is empty; if some of the topic was written without a registry, accept plain messages as well (AcceptPlain)", ErrFrame)
	}
	return fmt.Errorf("%w: the first byte is %02x, not 00, as in a plain protobuf message; if some of the topic was written without a registry, accept plain messages as well (AcceptPlain)",
		ErrFrame, value[0])
}
