package codec

import (
	"strings"

	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/source"
)

// StringCodec writes a string as its bytes, whatever they are.
type StringCodec struct{ scalar.String }

// String is the codec of strings; as a decoder it takes the record's value as text, and a record without a value as "".
func String() StringCodec { return StringCodec{} }

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

// Int64Codec writes an int64 as eight bytes that sort like the numbers.
type Int64Codec = scalar.Int[int64]

// Int64 is the codec of int64.
func Int64() Int64Codec { return Int64Codec{} }

// IntCodec writes an int as Int64Codec writes an int64, and under its ID: a 32-bit platform reads what a 64-bit one wrote if it fits.
type IntCodec = scalar.Int[int]

// Int is the codec of int.
func Int() IntCodec { return IntCodec{} }

// Float64Codec writes a float64 as eight bytes that sort like the numbers; negative zero is written as zero.
type Float64Codec = scalar.Float64

// Float64 is the codec of float64.
func Float64() Float64Codec { return Float64Codec{} }

// BoolCodec writes a bool as one byte, 0 or 1.
type BoolCodec = scalar.Bool

// Bool is the codec of bool.
func Bool() BoolCodec { return BoolCodec{} }
