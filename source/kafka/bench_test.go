package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
)

// length decodes without allocating.
type length struct{}

func (length) DecodeRecord(r *source.Raw) (int, error) { return len(r.Value), nil }

// BenchmarkRead reads a topic to its end: Fetch and Next, with the broker in another goroutine of this process. ns/op and allocs/op are per record.
func BenchmarkRead(b *testing.B) {
	brokers := testBrokers(b)
	const size, count = 150, 200_000
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionLZ4} {
		name := newTopic(b, brokers, 1, nil)
		conf := clientConfig(b)
		conf.Producer.Compression = codec
		value := strings.Repeat("v", size)
		ms := make([]*sarama.ProducerMessage, 0, 4000)
		for range count / 4000 {
			ms = ms[:0]
			for range 4000 {
				ms = append(ms, message(name, 0, value))
			}
			produce(b, brokers, conf, ms...)
		}
		b.Run(fmt.Sprintf("codec=%s", codec), func(b *testing.B) {
			s, err := kafka.Source(brokers, name, length{}, kafka.UntilEnd()).Open(b.Context(), source.Env{})
			require.NoError(b, err)
			splits, err := s.Splits(b.Context())
			require.NoError(b, err)
			b.ReportAllocs()
			b.SetBytes(size)
			read := 0
			b.ResetTimer()
			for read < b.N {
				read += readTo(b, s, splits[0], b.N-read)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// readTo reads at most n records of the split from its start.
func readTo(b *testing.B, s source.Session[int], split source.Split, n int) (read int) {
	r, err := s.Reader(b.Context(), split, split.Start)
	require.NoError(b, err)
	defer r.Close()
	var rec source.Record[int]
	for {
		c, err := r.Fetch(b.Context())
		if errors.Is(err, source.EOF) {
			return read
		}
		if err != nil {
			b.Fatal(err)
		}
		for c.Next(&rec) {
			if read++; read == n {
				return read
			}
		}
	}
}
