package nexmark

import (
	"encoding/binary"

	"github.com/millrace/millrace/codec"
)

// fields reads what appendInts and appendTexts wrote. The first error stays, and everything after it reads as zero.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) int() int64 {
	v, n := binary.Varint(f.rest)
	if n <= 0 {
		f.rest, f.err = nil, codec.ErrMalformed
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

// text is a copy.
func (f *fields) text() string {
	n := f.int()
	if n < 0 || n > int64(len(f.rest)) {
		f.rest, f.err = nil, codec.ErrMalformed
		return ""
	}
	s := string(f.rest[:n])
	f.rest = f.rest[n:]
	return s
}

// end is the error, which there also is when something is left.
func (f *fields) end() error {
	if len(f.rest) > 0 {
		return codec.ErrMalformed
	}
	return f.err
}

func appendInts(dst []byte, vs ...int64) []byte {
	for _, v := range vs {
		dst = binary.AppendVarint(dst, v)
	}
	return dst
}

func appendTexts(dst []byte, texts ...string) []byte {
	for _, t := range texts {
		dst = append(appendInts(dst, int64(len(t))), t...)
	}
	return dst
}
