package stream

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/millrace/millrace/state"
)

// builtin is the codec of a basic type, or nil. It is asked when the graph is built, never for a record.
func builtin[T any]() state.Codec[T] {
	var zero T
	var c any
	switch any(zero).(type) {
	case string:
		c = stringCodec{}
	case int:
		c = intCodec[int]{}
	case int32:
		c = intCodec[int32]{}
	case int64:
		c = intCodec[int64]{}
	case uint32:
		c = intCodec[uint32]{}
	case uint64:
		c = intCodec[uint64]{}
	case float64:
		c = floatCodec{}
	case bool:
		c = boolCodec{}
	case struct{}:
		c = unitCodec{}
	}
	codec, _ := c.(state.Codec[T])
	return codec
}

type stringCodec struct{}

func (stringCodec) ID() string                                  { return "string" }
func (stringCodec) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (stringCodec) Decode(src []byte) (string, error)           { return string(src), nil }

// intCodec is eight bytes, big-endian, the sign bit flipped, so that they sort as the numbers do.
type intCodec[T int | int32 | int64 | uint32 | uint64] struct{}

func (intCodec[T]) ID() string { return "int64" }

func (intCodec[T]) Append(dst []byte, v T) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63), nil
}

func (intCodec[T]) Decode(src []byte) (T, error) {
	if len(src) != 8 {
		return 0, fmt.Errorf("an integer of %d bytes: %w", len(src), state.ErrCorrupt)
	}
	return T(binary.BigEndian.Uint64(src) ^ 1<<63), nil
}

type floatCodec struct{}

func (floatCodec) ID() string { return "float64" }

func (floatCodec) Append(dst []byte, v float64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v)), nil
}

func (floatCodec) Decode(src []byte) (float64, error) {
	if len(src) != 8 {
		return 0, fmt.Errorf("a float of %d bytes: %w", len(src), state.ErrCorrupt)
	}
	return math.Float64frombits(binary.BigEndian.Uint64(src)), nil
}

type boolCodec struct{}

func (boolCodec) ID() string { return "bool" }

func (boolCodec) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (boolCodec) Decode(src []byte) (bool, error) {
	if len(src) != 1 {
		return false, fmt.Errorf("a bool of %d bytes: %w", len(src), state.ErrCorrupt)
	}
	return src[0] != 0, nil
}

type unitCodec struct{}

func (unitCodec) ID() string                                    { return "unit" }
func (unitCodec) Append(dst []byte, _ struct{}) ([]byte, error) { return dst, nil }
func (unitCodec) Decode([]byte) (struct{}, error)               { return struct{}{}, nil }

// keyCoder turns keys into the bytes that state is kept under and back.
type keyCoder[K comparable] struct {
	id string
	// view is the key's bytes, in scratch or, for strings, the key's own; the result is only read, and only until the next call.
	view   func(k K, scratch []byte) ([]byte, error)
	decode func(src []byte) (K, error)
}

func newKeyCoder[K comparable](codec state.Codec[K]) keyCoder[K] {
	c := keyCoder[K]{
		id:     codec.ID(),
		view:   func(k K, scratch []byte) ([]byte, error) { return codec.Append(scratch[:0], k) },
		decode: codec.Decode,
	}
	if _, plain := any(codec).(stringCodec); plain {
		// A string's bytes are its key: no copy for each record.
		view := any(func(k string, _ []byte) ([]byte, error) { return unsafe.Slice(unsafe.StringData(k), len(k)), nil })
		if v, ok := view.(func(K, []byte) ([]byte, error)); ok {
			c.view = v
		}
	}
	return c
}

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
