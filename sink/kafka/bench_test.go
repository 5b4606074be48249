package kafka_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/sinkbench"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
)

// BenchmarkUpsertRatio takes turns with a loop by hand around sarama's SyncProducer, of the same settings, that makes the same records.
func BenchmarkUpsertRatio(b *testing.B) {
	type session = sinkbench.Session
	key := func(s session) []byte { return fmt.Appendf(nil, "%s,%d", s.User, s.Start) }
	brokers := testBrokers(b)
	sinkbench.Compare(b, func(b *testing.B) (sink.Writer[session], func(rows []sink.Row[session]) error) {
		w, err := kafka.Sink(brokers, newTopic(b, brokers, 4), kafka.EncoderFunc[session](func(m *kafka.Message, s session) (err error) {
			m.Key = key(s)
			m.Value, err = json.Marshal(s)
			return err
		})).Open(b.Context(), sink.Env{})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, w.Close()) })
		c := sarama.NewConfig()
		c.Producer.Idempotent, c.Producer.RequiredAcks, c.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
		c.Producer.Compression, c.Producer.Partitioner = sarama.CompressionLZ4, sarama.NewMurmur2Partitioner
		c.Producer.Return.Successes = true
		p, err := sarama.NewSyncProducer(brokers, c)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, p.Close()) })
		name := newTopic(b, brokers, 4)
		return w, func(rows []sink.Row[session]) error {
			messages := make([]*sarama.ProducerMessage, len(rows))
			for i := range rows {
				value, err := json.Marshal(rows[i].Value)
				if err != nil {
					return err
				}
				messages[i] = &sarama.ProducerMessage{Topic: name, Key: sarama.ByteEncoder(key(rows[i].Value)), Value: sarama.ByteEncoder(value)}
			}
			return p.SendMessages(messages)
		}
	})
}
