package kafka_test

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
)

type raw struct{ key, value []byte }

type raws struct{}

func (raws) DecodeRecord(r *source.Raw) (raw, error) { return raw{r.Key, r.Value}, nil }

// Records without a key, without a value and with empty ones reach the decoder as they are: nil is not empty.
func TestEmptyRecords(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t),
		&sarama.ProducerMessage{Topic: name},
		&sarama.ProducerMessage{Topic: name, Key: sarama.ByteEncoder("k")},
		&sarama.ProducerMessage{Topic: name, Value: sarama.ByteEncoder("v")},
		&sarama.ProducerMessage{Topic: name, Key: sarama.ByteEncoder{}, Value: sarama.ByteEncoder{}},
		&sarama.ProducerMessage{Topic: name, Key: sarama.ByteEncoder("\x00\xff"), Value: sarama.ByteEncoder("\x00")},
	)
	s, err := kafka.Source(brokers, name, raws{}, kafka.UntilEnd()).Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	var got []raw
	for {
		c, err := r.Fetch(t.Context())
		if err != nil {
			require.ErrorIs(t, err, source.EOF)
			break
		}
		var rec source.Record[raw]
		for c.Next(&rec) {
			require.NoError(t, rec.Err)
			require.EqualValues(t, len(got), rec.Offset)
			require.EqualValues(t, len(rec.Value.key)+len(rec.Value.value), rec.Size)
			got = append(got, rec.Value)
		}
	}
	require.NoError(t, r.Close())
	require.NoError(t, s.Close())
	require.Equal(t, []raw{{}, {key: []byte("k")}, {value: []byte("v")}, {[]byte{}, []byte{}}, {[]byte("\x00\xff"), []byte("\x00")}}, got)
}
