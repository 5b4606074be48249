package stream

import (
	"unsafe"

	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/state"
)

// builtin is the codec of a basic type, or nil. It is asked when the graph is built, never for a record.
func builtin[T any]() state.Codec[T] {
	var zero T
	var c any
	switch any(zero).(type) {
	case string:
		c = scalar.String{}
	case int:
		c = scalar.Int[int]{}
	case int32:
		c = scalar.Int[int32]{}
	case int64:
		c = scalar.Int[int64]{}
	case uint32:
		c = scalar.Int[uint32]{}
	case uint64:
		c = scalar.Int[uint64]{}
	case float64:
		c = scalar.Float64{}
	case bool:
		c = scalar.Bool{}
	case struct{}:
		c = scalar.Unit{}
	}
	codec, _ := c.(state.Codec[T])
	return codec
}

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
	if codec.ID() == (scalar.String{}).ID() {
		// A string's bytes are its key: no copy for each record.
		view := any(func(k string, _ []byte) ([]byte, error) { return unsafe.Slice(unsafe.StringData(k), len(k)), nil })
		if v, ok := view.(func(K, []byte) ([]byte, error)); ok {
			c.view = v
		}
	}
	return c
}

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
