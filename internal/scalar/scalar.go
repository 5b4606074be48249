// Package scalar has the codecs of basic types: what package codec offers under its names, and what the engine uses where it is not told another.
package scalar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrMalformed is wrapped by what Decode returns for bytes that are not an encoding of the type.
var ErrMalformed = errors.New("malformed encoding")

func wrongLength(id string, got, want int) error {
	return fmt.Errorf("codec %s: %d bytes, want %d: %w", id, got, want, ErrMalformed)
}

// String writes a string as its bytes, whatever they are.
type String struct{}

func (String) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (String) Decode(src []byte) (string, error)           { return string(src), nil }
func (String) ID() string                                  { return "string" }

// Int writes an integer as the eight bytes of an int64, most significant first, with the sign bit turned over: bytes sort like numbers. All widths share a format:
// a program reads what another wrote if it fits.
type Int[T int | int32 | int64 | uint32 | uint64] struct{}

func (Int[T]) Append(dst []byte, v T) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63), nil
}

func (c Int[T]) Decode(src []byte) (T, error) {
	if len(src) != 8 {
		return 0, wrongLength(c.ID(), len(src), 8)
	}
	wide := binary.BigEndian.Uint64(src) ^ 1<<63
	v := T(wide)
	if uint64(v) != wide {
		return 0, fmt.Errorf("codec %s: %d does not fit %T: %w", c.ID(), int64(wide), v, ErrMalformed)
	}
	return v, nil
}

func (Int[T]) ID() string { return "int64" }

// Float64 writes a float64 as eight bytes that sort like the numbers. Negative zero, being equal to zero, is written as zero. NaN keeps its bits.
type Float64 struct{}

func (Float64) Append(dst []byte, v float64) ([]byte, error) {
	var b uint64
	if v != 0 {
		b = math.Float64bits(v)
	}
	if b>>63 != 0 { // negative: turn everything over, so that larger magnitudes sort first
		b = ^b
	} else {
		b |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, b), nil
}

func (c Float64) Decode(src []byte) (float64, error) {
	if len(src) != 8 {
		return 0, wrongLength(c.ID(), len(src), 8)
	}
	b := binary.BigEndian.Uint64(src)
	if b>>63 != 0 {
		b &^= 1 << 63
	} else {
		b = ^b
	}
	return math.Float64frombits(b), nil
}

func (Float64) ID() string { return "float64/sorted" }

// Bool writes a bool as one byte, 0 or 1.
type Bool struct{}

func (Bool) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (c Bool) Decode(src []byte) (bool, error) {
	if len(src) != 1 {
		return false, wrongLength(c.ID(), len(src), 1)
	}
	if src[0] > 1 {
		return false, fmt.Errorf("codec %s: byte %#x, want 0 or 1: %w", c.ID(), src[0], ErrMalformed)
	}
	return src[0] == 1, nil
}

func (Bool) ID() string { return "bool" }

// Unit writes nothing.
type Unit struct{}

func (Unit) Append(dst []byte, _ struct{}) ([]byte, error) { return dst, nil }
func (Unit) Decode([]byte) (struct{}, error)               { return struct{}{}, nil }
func (Unit) ID() string                                    { return "unit" }
