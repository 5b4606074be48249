package file

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/source"
)

const (
	readBuffer   = 256 << 10
	chunkBytes   = 256 << 10 // a chunk is full when it has so many bytes
	chunkSlack   = 16 << 10  // room for the record that fills it
	chunkRecords = 4096      // or so many records
)

type reader[T any] struct {
	decoder   source.Decoder[T]
	framing   framing
	maxRecord int
	split     source.Split
	file      *os.File
	in        *bufio.Reader
	at        int64 // number of the next record
	scratch   *source.Scratch
	usual     int   // how many records the last chunk had
	err       error // what ended reading, sticky
}

func open[T any](s *Source[T], env source.Env, split source.Split) (*reader[T], error) {
	f, err := os.Open(filepath.FromSlash(split.ID))
	if err != nil {
		return nil, fmt.Errorf("file source: %w", err)
	}
	r := &reader[T]{decoder: s.decoder, scratch: &source.Scratch{Reuse: env.Reuse}, framing: s.framing, maxRecord: s.maxRecord, split: split, file: f, at: 1}
	r.in = bufio.NewReaderSize(f, readBuffer)
	if strings.HasSuffix(split.ID, ".gz") {
		unzipped, err := gzip.NewReader(r.in)
		if errors.Is(err, io.EOF) { // even nothing at all, compressed, has a header
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, closeAfter(r.named(err), r)
		}
		r.in = bufio.NewReaderSize(unzipped, readBuffer)
	}
	if err := s.framing.begin(r.in); err != nil {
		return nil, closeAfter(r.named(err), r)
	}
	return r, nil
}

func closeAfter(err error, c io.Closer) error { return errors.Join(err, c.Close()) }

// named adds the file and the record's number.
func (r *reader[T]) named(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) { // of the decompressor
		err = fmt.Errorf("compressed data: %w", ErrTruncated)
	}
	return fmt.Errorf("file %s, record %d: %w", r.split.ID, r.at, err)
}

// skipTo reads up to the record with number at.
func (r *reader[T]) skipTo(ctx context.Context, at int64) error {
	var scratch []byte
	for r.at < at {
		if r.at%chunkRecords == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		out, _, err := r.framing.next(r.in, scratch[:0], r.maxRecord)
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("file %s ends after record %d, and reading was to go on at %d: was the file shortened or replaced?", r.split.ID, r.at-1, at)
		}
		if err != nil {
			return r.named(err)
		}
		scratch = out
		r.at++
	}
	return nil
}

func (r *reader[T]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.err != nil || r.at >= r.split.Stop {
		return nil, r.ended()
	}
	c := &chunk[T]{decoder: r.decoder, buf: make([]byte, 0, chunkBytes+chunkSlack), records: make([]span, 0, r.usual)}
	from := r.at
	for len(c.buf) < chunkBytes && len(c.records) < chunkRecords && r.at-from < chunkRecords && r.at < r.split.Stop {
		out, ok, err := r.framing.next(r.in, c.buf, r.maxRecord)
		if err != nil {
			r.err = err
			break
		}
		if ok {
			c.records = append(c.records, span{offset: r.at, end: len(out)})
			c.buf = out
		}
		r.at++
	}
	if r.at == from {
		return nil, r.ended()
	}
	c.end, r.usual = r.at, len(c.records)
	c.raw = source.Raw{Topic: r.split.ID, Partition: r.split.Partition, Timestamp: source.NoTimestamp, Scratch: r.scratch}
	_, err := r.in.Peek(1)
	c.atEnd = r.at >= r.split.Stop || errors.Is(err, io.EOF)
	return c, nil
}

// ended is what Fetch returns when no record is left.
func (r *reader[T]) ended() error {
	if r.err == nil || errors.Is(r.err, io.EOF) {
		return source.EOF
	}
	return r.named(r.err)
}

func (r *reader[T]) Close() error { return r.file.Close() }
