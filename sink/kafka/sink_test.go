package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/partitioner"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/source"
	from "github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/topic"
)

type pair struct{ key, value string }

var pairs = kafka.EncoderFunc[pair](func(m *kafka.Message, p pair) error {
	if p.value == "unencodable" {
		return errUnencodable
	}
	m.Key, m.Value = []byte(p.key), []byte(p.value)
	m.Headers = []kafka.Header{{Key: "h", Value: []byte("x")}}
	return nil
})

var errUnencodable = errors.New("cannot be encoded")

type raws struct{}

func (raws) DecodeRecord(r *source.Raw) (source.Raw, error) { return *r, nil }

func newTopic(t testing.TB, brokers []string, partitions int32) string {
	name := fmt.Sprintf("sink-%d", time.Now().UnixNano())
	_, err := topic.Create(t.Context(), brokers, topic.Spec{Name: name, Partitions: partitions})
	require.NoError(t, err)
	return name
}

// written reads the topic's partitions to their ends.
func written(t *testing.T, brokers []string, name string) map[int32][]source.Raw {
	s, err := from.Source(brokers, name, raws{}, from.UntilEnd()).Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	return drained(t, s, splits)
}

func drained(t *testing.T, s source.Session[source.Raw], splits []source.Split) map[int32][]source.Raw {
	got := map[int32][]source.Raw{}
	for _, split := range splits {
		r, err := s.Reader(t.Context(), split, 0)
		require.NoError(t, err)
		for {
			c, err := r.Fetch(t.Context())
			if errors.Is(err, source.EOF) {
				break
			}
			require.NoError(t, err)
			var rec source.Record[source.Raw]
			for c.Next(&rec) {
				rec.Value.Headers = append([]source.Header(nil), rec.Value.Headers...)
				got[split.Partition] = append(got[split.Partition], rec.Value)
			}
		}
		require.NoError(t, r.Close())
	}
	return got
}

func TestUpsertsAndTombstones(t *testing.T) {
	brokers := testBrokers(t)
	for _, codec := range []kafka.Compression{kafka.Uncompressed, kafka.Gzip, kafka.Snappy, kafka.LZ4, kafka.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			name := newTopic(t, brokers, 4)
			s := kafka.Sink(brokers, name, pairs, kafka.Compress(codec))
			require.True(t, s.Traits().Upserts)
			require.Equal(t, "kafka topic="+name, s.String())
			w, err := s.Open(t.Context(), sink.Env{})
			require.NoError(t, err)
			require.NoError(t, w.Write(t.Context(), nil))
			var rows []sink.Row[pair]
			for i := range 1000 {
				rows = append(rows, sink.Row[pair]{Value: pair{fmt.Sprint("user-", i%100), fmt.Sprint(i)}, Timestamp: int64(i)})
			}
			rows = append(rows, sink.Row[pair]{Value: pair{"user-7", "gone"}, Op: sink.Delete, Timestamp: 5})
			require.NoError(t, w.Write(t.Context(), rows))
			table := map[string]string{}
			n := 0
			for p, records := range written(t, brokers, name) { // everything is there before Close
				for _, r := range records {
					n++
					require.Equal(t, p, partitioner.Murmur2(r.Key, 4))
					require.Equal(t, []source.Header{{Key: "h", Value: []byte("x")}}, r.Headers)
					if r.Value == nil {
						require.EqualValues(t, 5, r.Timestamp)
						delete(table, string(r.Key))
						continue
					}
					require.Equal(t, fmt.Sprint(r.Timestamp), string(r.Value))
					table[string(r.Key)] = string(r.Value)
				}
			}
			require.Equal(t, 1001, n)
			require.Len(t, table, 99)
			require.Equal(t, "942", table["user-42"])
			require.NoError(t, w.Close())
		})
	}
}

func TestRowsThatCannotBeWritten(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1)
	for label, tc := range map[string]struct {
		row  pair
		says string
		sent bool // what stands before it in a batch
	}{
		"encoder": {pair{"k", "unencodable"}, "cannot be encoded", false},
		"no key":  {pair{"", "v"}, "no key", false},
		"large":   {pair{"k", string(make([]byte, 2<<20))}, "raise MaxMessageBytes", true},
	} {
		t.Run(label, func(t *testing.T) {
			w, err := kafka.Sink(brokers, name, pairs, kafka.Compress(kafka.Uncompressed)).Open(t.Context(), sink.Env{})
			require.NoError(t, err)
			before := len(written(t, brokers, name)[0])
			err = w.Write(t.Context(), []sink.Row[pair]{{Value: pair{"k", "before"}}, {Value: tc.row}})
			require.Equal(t, tc.sent, len(written(t, brokers, name)[0]) > before)
			require.ErrorContains(t, err, tc.says)
			require.ErrorContains(t, err, name)
			require.False(t, sink.IsTemporary(err))
			require.NoError(t, w.Write(t.Context(), []sink.Row[pair]{{Value: pair{"k", "good"}}}), "the writer can be used after an error")
			require.NoError(t, w.Close())
		})
	}
}

func TestOpenErrors(t *testing.T) {
	brokers := testBrokers(t)
	_, err := kafka.Sink(brokers, "nothing-here", pairs).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "does not exist")
	require.False(t, sink.IsTemporary(err))
	_, err = kafka.Sink([]string{"127.0.0.1:1"}, "t", pairs).Open(t.Context(), sink.Env{})
	require.True(t, sink.IsTemporary(err), "%v", err)
	_, err = kafka.Sink[pair](brokers, "", nil, kafka.MaxInFlight(0)).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "no topic")
	require.ErrorContains(t, err, "encoder is nil")
	require.ErrorContains(t, err, "MaxInFlight")
}

func TestProducer(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 2)
	p, err := kafka.NewProducer(brokers, kafka.FNV1a(), kafka.MaxInFlight(100))
	require.NoError(t, err)
	for i := range 5000 {
		require.NoError(t, p.Send(t.Context(), name, &kafka.Message{Key: fmt.Append(nil, i), Value: fmt.Append(nil, i), Time: time.UnixMilli(int64(i))}))
	}
	require.NoError(t, p.Flush(t.Context()))
	n := 0
	for id, records := range written(t, brokers, name) {
		last := int64(-1)
		for _, r := range records {
			n++
			require.Equal(t, id, partitioner.FNV1a(r.Key, 2))
			require.Greater(t, r.Timestamp, last, "the order of sending is kept")
			last = r.Timestamp
		}
	}
	require.Equal(t, 5000, n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Send(ctx, name, &kafka.Message{Value: []byte("x")}), context.Canceled)
	require.NoError(t, p.Close())
}

func BenchmarkProducer(b *testing.B) {
	brokers := testBrokers(b)
	name := newTopic(b, brokers, 4)
	p, err := kafka.NewProducer(brokers, kafka.Tune(func(c *sarama.Config) { c.ChannelBufferSize = 4096 }))
	require.NoError(b, err)
	value := make([]byte, 150)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := p.Send(b.Context(), name, &kafka.Message{Key: fmt.Append(nil, i), Value: value}); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, p.Flush(b.Context()))
	require.NoError(b, p.Close())
}
