package file

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// framing cuts a stream into records. Implementations are values without state.
type framing interface {
	// next appends the next record's bytes to dst. ok is false where there is something that counts but is no record: a blank line.
	// At the end it returns io.EOF; dst comes back unchanged with every error.
	next(in *bufio.Reader, dst []byte, limit int) (out []byte, ok bool, err error)
	// begin is called once, at the beginning of a file.
	begin(in *bufio.Reader) error
	name() string
}

type lines struct {
	what      string
	skipBlank bool
}

func (l lines) name() string { return l.what }

var byteOrderMark = []byte("\xef\xbb\xbf")

func (l lines) begin(in *bufio.Reader) error {
	head, err := in.Peek(len(byteOrderMark))
	if bytes.Equal(head, byteOrderMark) {
		_, err = in.Discard(len(byteOrderMark))
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (l lines) next(in *bufio.Reader, dst []byte, limit int) ([]byte, bool, error) {
	out := dst
	for {
		part, err := in.ReadSlice('\n')
		out = append(out, part...)
		// The line end, two bytes at most, does not count.
		if n := len(out) - len(dst); n > limit+2 || n > limit && len(chomp(out[len(dst):])) > limit {
			return dst, false, fmt.Errorf("more than %d bytes without a line end: %w", limit, ErrTooLong)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(out) == len(dst)) {
			return dst, false, err
		}
		break // a last line may lack its end
	}
	line := chomp(out[len(dst):])
	if l.skipBlank && len(bytes.TrimSpace(line)) == 0 {
		return dst, false, nil
	}
	return out[:len(dst)+len(line)], true, nil
}

func chomp(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

type delimited struct{}

func (delimited) name() string              { return "delimited" }
func (delimited) begin(*bufio.Reader) error { return nil }

// readAhead bounds what is allocated before the bytes are there: a length is only a claim.
const readAhead = 64 << 10

func (delimited) next(in *bufio.Reader, dst []byte, limit int) ([]byte, bool, error) {
	size, err := binary.ReadUvarint(in)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return dst, false, fmt.Errorf("its length is cut off: %w", ErrTruncated)
	}
	if err != nil {
		return dst, false, err
	}
	if size > uint64(limit) || size > math.MaxInt {
		return dst, false, fmt.Errorf("%d bytes, at most %d are accepted; if the file is one of length-delimited messages, raise WithMaxRecord: %w", size, limit, ErrTooLong)
	}
	out := dst
	for left := int(size); left > 0; {
		n := min(left, readAhead)
		out = slices.Grow(out, n)
		got, err := io.ReadFull(in, out[len(out):len(out)+n])
		out, left = out[:len(out)+got], left-got
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return dst, false, fmt.Errorf("%d of %d bytes: %w", len(out)-len(dst), size, ErrTruncated)
		}
		if err != nil {
			return dst, false, err
		}
	}
	return out, true, nil
}
