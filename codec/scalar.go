package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/millrace/millrace/source"
)

// StringCodec writes a string as its bytes, whatever they are.
type StringCodec struct{}

// String is the codec of strings; as a decoder it takes the record's value as text, and a record without a value as "".
func String() StringCodec { return StringCodec{} }

func (StringCodec) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (StringCodec) Decode(src []byte) (string, error)           { return string(src), nil }
func (StringCodec) ID() string                                  { return "string" }

// DecodeRecord copies the value.
func (StringCodec) DecodeRecord(r *source.Raw) (string, error) { return string(r.Value), nil }

// Keep copies v.
func (StringCodec) Keep(v string) string { return strings.Clone(v) }

// BytesCodec writes a byte slice as it is. A nil slice comes back from the state as an empty one.
type BytesCodec struct{}

// Bytes is the codec of byte slices; as a decoder it takes the record's value undecoded, and nil where there is none.
func Bytes() BytesCodec { return BytesCodec{} }

func (BytesCodec) Append(dst []byte, v []byte) ([]byte, error) { return append(dst, v...), nil }
func (BytesCodec) Decode(src []byte) ([]byte, error) {
	return append(make([]byte, 0, len(src)), src...), nil
}
func (BytesCodec) ID() string { return "bytes" }

// DecodeRecord copies the value.
func (BytesCodec) DecodeRecord(r *source.Raw) ([]byte, error) {
	if r.Value == nil {
		return nil, nil
	}
	return append(make([]byte, 0, len(r.Value)), r.Value...), nil
}

// Int64Codec writes an int64 as eight bytes, most significant first, with the sign bit turned over: bytes sort like numbers.
type Int64Codec struct{}

// Int64 is the codec of int64.
func Int64() Int64Codec { return Int64Codec{} }

func (Int64Codec) Append(dst []byte, v int64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63), nil
}

func (c Int64Codec) Decode(src []byte) (int64, error) {
	if len(src) != 8 {
		return 0, wrongLength(c.ID(), len(src), 8)
	}
	return int64(binary.BigEndian.Uint64(src) ^ 1<<63), nil
}

func (Int64Codec) ID() string { return "int64" }

// IntCodec writes an int as Int64Codec writes an int64, and under its ID: a 32-bit platform reads what a 64-bit one wrote if it fits.
type IntCodec struct{}

// Int is the codec of int.
func Int() IntCodec { return IntCodec{} }

func (IntCodec) Append(dst []byte, v int) ([]byte, error) { return Int64Codec{}.Append(dst, int64(v)) }

func (c IntCodec) Decode(src []byte) (int, error) {
	v, err := Int64Codec{}.Decode(src)
	if err != nil {
		return 0, err
	}
	if int64(int(v)) != v {
		return 0, fmt.Errorf("codec %s: %d does not fit this platform's int: %w", c.ID(), v, ErrMalformed)
	}
	return int(v), nil
}

func (IntCodec) ID() string { return "int64" }

// Float64Codec writes a float64 as eight bytes that sort like the numbers. Negative zero, being equal to zero, is written as zero.
// NaN keeps its bits.
type Float64Codec struct{}

// Float64 is the codec of float64.
func Float64() Float64Codec { return Float64Codec{} }

func (Float64Codec) Append(dst []byte, v float64) ([]byte, error) {
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

func (c Float64Codec) Decode(src []byte) (float64, error) {
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

func (Float64Codec) ID() string { return "float64/sorted" }

// BoolCodec writes a bool as one byte, 0 or 1.
type BoolCodec struct{}

// Bool is the codec of bool.
func Bool() BoolCodec { return BoolCodec{} }

func (BoolCodec) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (c BoolCodec) Decode(src []byte) (bool, error) {
	if len(src) != 1 {
		return false, wrongLength(c.ID(), len(src), 1)
	}
	if src[0] > 1 {
		return false, fmt.Errorf("codec %s: byte %#x, want 0 or 1: %w", c.ID(), src[0], ErrMalformed)
	}
	return src[0] == 1, nil
}

func (BoolCodec) ID() string { return "bool" }
