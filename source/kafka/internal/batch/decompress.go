package batch

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	snappy "github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codecs, by the number in a batch's attributes.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// maxInflated bounds what a batch may be without compression, in bytes: a hundredth of it and less is what brokers let producers write.
const maxInflated = 1 << 30

// decompress returns data itself where there is nothing to do.
func decompress(codec int8, data []byte) (out []byte, err error) {
	if len(data) == 0 { // a batch that compaction emptied
		return data, nil
	}
	switch codec {
	case codecNone:
		return data, nil
	case codecGzip:
		out, err = stream(&gzipReaders, data)
	case codecSnappy:
		out, err = snappy.Decode(data)
	case codecLZ4:
		out, err = stream(&lz4Readers, data)
	case codecZstd:
		var d *zstd.Decoder
		if d, err = zstdDecoder(); err == nil {
			out, err = d.DecodeAll(data, nil)
		}
	default:
		return nil, fmt.Errorf("compressed by codec %d, which this version does not know", codec)
	}
	if err == nil && len(out) > maxInflated {
		err = fmt.Errorf("more than %d bytes without compression", maxInflated)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress %s: %w", [...]string{"", "gzip", "snappy", "lz4", "zstd"}[codec], err)
	}
	return out, nil
}

// zstdDecoder is safe for concurrent use.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxInflated))
})

// resettable is a decompressor that can be used again.
type resettable interface {
	io.Reader
	reset(io.Reader) error
}

type gzipReader struct{ gzip.Reader }

func (r *gzipReader) reset(from io.Reader) error { return r.Reset(from) }

type lz4Reader struct{ *lz4.Reader }

func (r lz4Reader) reset(from io.Reader) error { r.Reset(from); return nil }

var (
	gzipReaders = sync.Pool{New: func() any { return new(gzipReader) }}
	lz4Readers  = sync.Pool{New: func() any { return lz4Reader{lz4.NewReader(nil)} }}
)

func stream(pool *sync.Pool, data []byte) ([]byte, error) {
	r := pool.Get().(resettable)
	defer pool.Put(r)
	if err := r.reset(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(4 * len(data))
	_, err := out.ReadFrom(io.LimitReader(r, maxInflated+1))
	return out.Bytes(), err
}
