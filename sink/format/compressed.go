package format

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/millrace/millrace/sink"
)

// Gzip is the format compressed, with names that end in .gz. It is for text: Parquet compresses by itself.
func Gzip[T any](f Format[T]) Format[T] {
	return compressed[T]{Format: f, name: "gzip", ext: ".gz", contentType: "application/gzip", open: func(to io.Writer) (io.WriteCloser, error) {
		return gzip.NewWriter(to), nil
	}}
}

// Zstd is the format compressed, with names that end in .zst.
func Zstd[T any](f Format[T]) Format[T] {
	return compressed[T]{Format: f, name: "zstd", ext: ".zst", contentType: "application/zstd", open: func(to io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	}}
}

type compressed[T any] struct {
	Format[T]
	name, ext, contentType string
	open                   func(io.Writer) (io.WriteCloser, error)
}

func (c compressed[T]) Name() string { return c.Format.Name() + "+" + c.name }

func (c compressed[T]) Ext() string { return c.Format.Ext() + c.ext }

func (c compressed[T]) ContentType() string { return c.contentType }

func (c compressed[T]) Encoder() Encoder[T] {
	return &compressor[T]{format: c, plain: c.Format.Encoder()}
}

// compressor gives rows to the plain encoder first, which may refuse them, and only then to the compression, which cannot fail: it writes to memory.
type compressor[T any] struct {
	format compressed[T]
	plain  Encoder[T]
	buf    []byte
	out    bytes.Buffer
	to     io.WriteCloser // nil before the first bytes
}

func (c *compressor[T]) Append(dst []byte, rows []sink.Row[T]) (_ []byte, err error) {
	if c.buf, err = c.plain.Append(c.buf[:0], rows); err != nil {
		return dst, err
	}
	return c.compress(dst)
}

func (c *compressor[T]) compress(dst []byte) (_ []byte, err error) {
	if c.to == nil {
		if c.to, err = c.format.open(&c.out); err != nil {
			return dst, fmt.Errorf("%s: %w", c.format.name, err)
		}
	}
	if _, err := c.to.Write(c.buf); err != nil {
		return dst, fmt.Errorf("%s: %w", c.format.name, err)
	}
	return c.take(dst), nil
}

func (c *compressor[T]) take(dst []byte) []byte {
	dst = append(dst, c.out.Bytes()...)
	c.out.Reset()
	return dst
}

func (c *compressor[T]) Held() int64 { return c.plain.Held() }

func (c *compressor[T]) Finish(dst []byte) (_ []byte, err error) {
	if c.buf, err = c.plain.Finish(c.buf[:0]); err != nil {
		return dst, err
	}
	if dst, err = c.compress(dst); err != nil {
		return dst, err
	}
	if err := c.to.Close(); err != nil {
		return dst, fmt.Errorf("%s: %w", c.format.name, err)
	}
	return c.take(dst), nil
}
