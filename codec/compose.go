package codec

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/state"
)

// Pair is two values: a key of two parts, a sum and a count.
type Pair[A, B any] struct {
	First  A
	Second B
}

// PairCodec writes the length of the first encoding as a uvarint, then both encodings.
type PairCodec[A, B any] struct {
	first  state.Codec[A]
	second state.Codec[B]
}

// PairOf is the codec of Pair[A, B].
func PairOf[A, B any](first state.Codec[A], second state.Codec[B]) PairCodec[A, B] {
	return PairCodec[A, B]{first, second}
}

func (c PairCodec[A, B]) Append(dst []byte, v Pair[A, B]) ([]byte, error) {
	out, err := appendSized(dst, c.first, v.First)
	if err != nil {
		return dst, err
	}
	out, err = c.second.Append(out, v.Second)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (c PairCodec[A, B]) Decode(src []byte) (v Pair[A, B], err error) {
	part, rest, err := sized(src)
	if err != nil {
		return v, malformed(c.ID(), err)
	}
	var p Pair[A, B]
	if p.First, err = c.first.Decode(part); err != nil {
		return v, err
	}
	if p.Second, err = c.second.Decode(rest); err != nil {
		return v, err
	}
	return p, nil
}

func (c PairCodec[A, B]) ID() string { return "pair(" + c.first.ID() + "," + c.second.ID() + ")" }

// SliceCodec writes each element's length as a uvarint and its encoding. A nil slice comes back as nil, and so does an empty one.
type SliceCodec[T any] struct{ elem state.Codec[T] }

// SliceOf is the codec of []T.
func SliceOf[T any](elem state.Codec[T]) SliceCodec[T] { return SliceCodec[T]{elem} }

func (c SliceCodec[T]) Append(dst []byte, v []T) ([]byte, error) {
	out := dst
	for i := range v {
		var err error
		if out, err = appendSized(out, c.elem, v[i]); err != nil {
			return dst, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return out, nil
}

func (c SliceCodec[T]) Decode(src []byte) ([]T, error) {
	var v []T
	for len(src) > 0 {
		part, rest, err := sized(src)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(v), malformed(c.ID(), err))
		}
		e, err := c.elem.Decode(part)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(v), err)
		}
		v, src = append(v, e), rest
	}
	return v, nil
}

func (c SliceCodec[T]) ID() string { return "slice(" + c.elem.ID() + ")" }

// appendSized appends uvarint(length) and the encoding. Most encodings are shorter than 128 bytes, so one byte is kept free for the length and the
// rest moves only when it needs more.
func appendSized[T any](dst []byte, c state.Codec[T], v T) ([]byte, error) {
	at := len(dst)
	out, err := c.Append(append(dst, 0), v)
	if err != nil {
		return dst, err
	}
	n := uint64(len(out) - at - 1)
	if n < 0x80 {
		out[at] = byte(n)
		return out, nil
	}
	var head [binary.MaxVarintLen64]byte
	w := binary.PutUvarint(head[:], n)
	out = append(out, head[:w-1]...)
	copy(out[at+w:], out[at+1:at+1+int(n)])
	copy(out[at:], head[:w])
	return out, nil
}

// sized takes one length and as many bytes apart. Lengths that are not in their shortest form are refused.
func sized(src []byte) (part, rest []byte, err error) {
	n, w := binary.Uvarint(src)
	if w <= 0 || w > 1 && src[w-1] == 0 {
		return nil, nil, fmt.Errorf("no length at %d bytes before the end", len(src))
	}
	if n > uint64(len(src)-w) {
		return nil, nil, fmt.Errorf("length %d exceeds the %d bytes left", n, len(src)-w)
	}
	return src[w : w+int(n)], src[w+int(n):], nil
}
