package batch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	snappy "github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/source"
)

// encoded is a batch as another library writes it, with the right length and checksum.
func encoded(t require.TestingT, b kmsg.RecordBatch, codec int8, records []kmsg.Record) []byte {
	b.Magic, b.NumRecords, b.Records = 2, int32(len(records)), nil
	b.Attributes |= int16(codec)
	for _, r := range records {
		r.Length = 0
		r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length itself, which is a byte while it is zero
		b.Records = r.AppendTo(b.Records)
	}
	if len(records) > 0 {
		b.Records = compress(t, codec, b.Records)
	}
	return sealed(b.AppendTo(nil))
}

// sealed puts the right length and checksum into a batch.
func sealed(b []byte) []byte {
	binary.BigEndian.PutUint32(b[lengthAt:], uint32(len(b)-lengthAt-4))
	binary.BigEndian.PutUint32(b[checksumAt:], crc32.Checksum(b[checkedFrom:], castagnoli))
	return b
}

func compress(t require.TestingT, codec int8, data []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch codec {
	case codecNone:
		return data
	case codecSnappy:
		return snappy.Encode(nil, data)
	case codecGzip:
		w = gzip.NewWriter(&out)
	case codecLZ4:
		w = lz4.NewWriter(&out)
	case codecZstd:
		z, err := zstd.NewWriter(&out)
		require.NoError(t, err)
		w = z
	}
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func anyBytes(t *rapid.T, name string) []byte {
	if rapid.Bool().Draw(t, name+" is there") {
		return rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, name)
	}
	return nil
}

// Whatever another library writes is read as it was written, by all codecs, and whatever follows it is left.
func TestReadsWhatOthersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int64Range(0, 1<<50).Draw(t, "first offset")
		b := kmsg.RecordBatch{
			FirstOffset: first, LastOffsetDelta: rapid.Int32Range(0, 1<<30).Draw(t, "span"), ProducerID: rapid.Int64().Draw(t, "producer"),
			FirstTimestamp: rapid.Int64Range(-1, 1<<45).Draw(t, "first timestamp"), MaxTimestamp: rapid.Int64Range(-1, 1<<45).Draw(t, "max timestamp"),
			Attributes: rapid.SampledFrom([]int16{0, appendTimeBit, transactional, transactional | controlBit}).Draw(t, "attributes"),
		}
		attributes := b.Attributes
		var records []kmsg.Record
		for range rapid.IntRange(0, 20).Draw(t, "records") {
			r := kmsg.Record{
				TimestampDelta64: rapid.Int64Range(-1<<40, 1<<40).Draw(t, "time"), OffsetDelta: rapid.Int32Range(0, 1<<31-1).Draw(t, "offset"),
				Key: anyBytes(t, "key"), Value: anyBytes(t, "value"),
			}
			for range rapid.IntRange(0, 3).Draw(t, "headers") {
				r.Headers = append(r.Headers, kmsg.Header{Key: rapid.String().Draw(t, "header"), Value: anyBytes(t, "header's value")})
			}
			records = append(records, r)
		}
		raw := encoded(t, b, rapid.Int8Range(codecNone, codecZstd).Draw(t, "codec"), records)

		got, rest, err := Read(append(bytes.Clone(raw), "next"...))
		require.NoError(t, err)
		require.Equal(t, "next", string(rest))
		require.Equal(t, first, got.FirstOffset)
		require.Equal(t, first+int64(b.LastOffsetDelta), got.LastOffset)
		require.Equal(t, []int64{orNone(b.FirstTimestamp), orNone(b.MaxTimestamp), b.ProducerID}, []int64{got.FirstTimestamp, got.MaxTimestamp, got.ProducerID})
		require.Equal(t, []bool{attributes&appendTimeBit != 0, attributes&transactional != 0, attributes&controlBit != 0}, []bool{got.AppendTime, got.Transactional, got.Control})
		require.NoError(t, got.Open())
		require.Len(t, got.Records, len(records))
		for i := range records {
			want, r := records[i], &got.Records[i]
			require.Equal(t, want.TimestampDelta64, r.TimestampDelta)
			require.Equal(t, want.OffsetDelta, r.OffsetDelta)
			require.Equal(t, want.Key, got.Key(r))
			require.Equal(t, want.Value, got.Value(r))
			var headers []kmsg.Header
			for _, h := range got.AppendHeaders(nil, r) {
				headers = append(headers, kmsg.Header(h))
			}
			require.Equal(t, want.Headers, headers)
		}
		for n := range raw {
			_, _, err := Read(raw[:n])
			require.ErrorIs(t, err, ErrTruncated)
		}
	})
}

func orNone(ms int64) int64 {
	if ms < 0 {
		return source.NoTimestamp
	}
	return ms
}

func one(value string) []kmsg.Record { return []kmsg.Record{{Value: []byte(value)}} }

// A bit that changed on the way is an error in all that the checksum is of, and never other records.
func TestFlippedBits(t *testing.T) {
	raw := encoded(t, kmsg.RecordBatch{FirstOffset: 7}, codecNone, one("value"))
	for bit := checksumAt * 8; bit < len(raw)*8; bit++ {
		raw[bit/8] ^= 1 << (bit % 8)
		_, _, err := Read(raw)
		require.ErrorContains(t, err, "offset 7: a record batch has the checksum", "bit %d", bit)
		raw[bit/8] ^= 1 << (bit % 8)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	good := func() []byte { return encoded(t, kmsg.RecordBatch{FirstOffset: 7}, codecNone, one("value")) }
	for name, c := range map[string]struct {
		change func(b []byte) []byte
		says   string
	}{
		"old format":       {func(b []byte) []byte { b[magicAt] = 1; return b }, "offset 7: records in a format older than Kafka 0.11 cannot be read"},
		"unknown format":   {func(b []byte) []byte { b[magicAt] = 3; return b }, "offset 7: a record batch is of format 3"},
		"short":            {func(b []byte) []byte { b[lengthAt+3] = headerSize - lengthAt - 5; return b }, "offset 7: a record batch of 60 bytes is shorter than its header"},
		"negative length":  {func(b []byte) []byte { b[lengthAt] = 0xff; return b }, "is shorter than its header"},
		"negative count":   {func(b []byte) []byte { b[countAt] = 0x80; return sealed(b) }, "offset 7: a record batch has -2147483647 records"},
		"negative span":    {func(b []byte) []byte { b[23] = 0x80; return sealed(b) }, "up to -2147483648 offsets after its first"},
		"too many records": {func(b []byte) []byte { b[countAt] = 1; return sealed(b) }, "offset 7: 16777217 records are said to be in 12 bytes"},
		"one more record":  {func(b []byte) []byte { return sealed(append(b, 0)) }, "1 bytes follow the last of 1 records"},
		"unknown codec":    {func(b []byte) []byte { b[22] = 5; return sealed(b) }, "compressed by codec 5"},
		"not zstd":         {func(b []byte) []byte { b[22] = codecZstd; return sealed(b) }, "offset 7: decompress zstd: "},
		"not gzip":         {func(b []byte) []byte { b[22] = codecGzip; return sealed(b) }, "offset 7: decompress gzip: "},
		"record too long":  {func(b []byte) []byte { b[headerSize] += 2; return sealed(b) }, "record 0 of 1: a record does not fit its length"},
		"record too short": {func(b []byte) []byte { b[headerSize] -= 2; return sealed(b) }, "record 0 of 1: a record does not fit its length"},
		"value too long":   {func(b []byte) []byte { b[headerSize+5] += 2; return sealed(b) }, "record 0 of 1: a record does not fit its length"},
		"negative value":   {func(b []byte) []byte { b[headerSize+5] = 3; return sealed(b) }, "record 0 of 1: a record does not fit its length"},
		"headers too many": {func(b []byte) []byte { b[len(b)-1] = 2; return sealed(b) }, "record 0 of 1: a record does not fit its length"},
	} {
		t.Run(name, func(t *testing.T) {
			b, _, err := Read(c.change(good()))
			if err == nil {
				err = b.Open()
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

// Bytes with a right checksum may be anything: what is read of them lies within them.
func FuzzRead(f *testing.F) {
	f.Add(encoded(f, kmsg.RecordBatch{}, codecNone, one("value")))
	f.Add(encoded(f, kmsg.RecordBatch{}, codecNone, []kmsg.Record{{Key: []byte("k"), Headers: []kmsg.Header{{Key: "h", Value: []byte("v")}, {}}}}))
	f.Add(encoded(f, kmsg.RecordBatch{}, codecGzip, one("value")))
	f.Add(encoded(f, kmsg.RecordBatch{}, codecSnappy, one("value")))
	f.Add(encoded(f, kmsg.RecordBatch{}, codecLZ4, one("value")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) >= headerSize {
			raw = sealed(bytes.Clone(raw))
		}
		b, _, err := Read(raw)
		if err != nil || b.Open() != nil {
			return
		}
		for i := range b.Records {
			r := &b.Records[i]
			size := len(b.Key(r)) + len(b.Value(r))
			for _, h := range b.AppendHeaders(nil, r) {
				size += len(h.Key) + len(h.Value)
			}
			require.LessOrEqual(t, size, len(b.data))
		}
	})
}
