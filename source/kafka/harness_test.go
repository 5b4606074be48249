package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/topic"
)

// record is everything a decoder can see, copied.
type record struct {
	Topic      string
	Partition  int32
	Offset, TS int64
	Key, Value string
	Headers    string
}

// records decodes every record but "bad".
type records struct{}

var errBad = errors.New("this one is bad")

func (records) DecodeRecord(r *source.Raw) (record, error) {
	if string(r.Value) == "bad" {
		return record{}, errBad
	}
	var hs []string
	for _, h := range r.Headers {
		hs = append(hs, h.Key+"="+string(h.Value))
	}
	return record{r.Topic, r.Partition, r.Offset, r.Timestamp, string(r.Key), string(r.Value), strings.Join(hs, " ")}, nil
}

var topicNumber atomic.Int64

// newTopic makes a topic of its own for a test.
func newTopic(t testing.TB, brokers []string, partitions int32, configs map[string]string) string {
	name := fmt.Sprintf("t%d-%d-%d", os.Getpid(), time.Now().UnixNano(), topicNumber.Add(1))
	_, err := topic.Create(t.Context(), brokers, topic.Spec{Name: name, Partitions: partitions, Replication: 1, Configs: configs})
	require.NoError(t, err)
	return name
}

// clientConfig is sarama's configuration for what a test does beside the source.
func clientConfig(t testing.TB) *sarama.Config {
	conf, err := cluster.Config{ClientID: "test"}.Sarama()
	require.NoError(t, err)
	conf.Producer.Return.Successes = true
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	conf.Producer.MaxMessageBytes = 30 << 20
	return conf
}

func administrator(t testing.TB, brokers []string) sarama.ClusterAdmin {
	conf := clientConfig(t)
	conf.Metadata.Full = true
	admin, err := sarama.NewClusterAdmin(brokers, conf)
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

// produce writes messages in order, all in one flush.
func produce(t testing.TB, brokers []string, conf *sarama.Config, ms ...*sarama.ProducerMessage) {
	p, err := sarama.NewSyncProducer(brokers, conf)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	require.NoError(t, p.SendMessages(ms))
}

func message(topic string, partition int32, value string) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{Topic: topic, Partition: partition, Value: sarama.StringEncoder(value), Timestamp: time.UnixMilli(1_000_000)}
}

func numbered(topic string, partition int32, from, to int) []*sarama.ProducerMessage {
	var ms []*sarama.ProducerMessage
	for i := from; i < to; i++ {
		ms = append(ms, message(topic, partition, fmt.Sprint(i)))
	}
	return ms
}

// transaction writes the values in one transaction and ends it as told.
func transaction(t testing.TB, brokers []string, topic string, commit bool, values ...string) {
	conf := clientConfig(t)
	conf.Producer.Idempotent, conf.Producer.RequiredAcks, conf.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	conf.Producer.Transaction.ID = topic + "-txn"
	conf.Producer.Transaction.Retry.Max = 100
	p, err := sarama.NewSyncProducer(brokers, conf)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	require.NoError(t, p.BeginTxn())
	for _, v := range values {
		_, _, err := p.SendMessage(message(topic, 0, v))
		require.NoError(t, err)
	}
	if commit {
		require.NoError(t, p.CommitTxn())
	} else {
		require.NoError(t, p.AbortTxn())
	}
}

func open(t testing.TB, src source.Source[record]) source.Session[record] {
	s, err := src.Open(t.Context(), source.Env{Job: "test", Operator: "src"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// readAll reads every split of a bounded source to its end.
func readAll(t testing.TB, src source.Source[record]) map[string][]record {
	s := open(t, src)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	got := make(map[string][]record)
	for _, split := range splits {
		got[split.ID] = readSplit(t, s, split, split.Start)
	}
	return got
}

func readSplit(t testing.TB, s source.Session[record], split source.Split, at int64) []record {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := s.Reader(ctx, split, at)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	var got []record
	for {
		c, err := r.Fetch(ctx)
		if errors.Is(err, source.EOF) {
			return got
		}
		require.NoError(t, err)
		got = append(got, walk(t, c)...)
	}
}

// readSome reads until n records have come.
func readSome(t testing.TB, r source.Reader[record], n int) []record {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var got []record
	for len(got) < n {
		c, err := r.Fetch(ctx)
		require.NoError(t, err)
		got = append(got, walk(t, c)...)
	}
	return got
}

func walk(t testing.TB, c source.Chunk[record]) []record {
	var got []record
	var r source.Record[record]
	for c.Next(&r) {
		require.NoError(t, r.Err)
		require.Equal(t, r.Offset, r.Value.Offset)
		require.Equal(t, r.Timestamp, r.Value.TS)
		require.Less(t, r.Offset, c.End())
		got = append(got, r.Value)
	}
	return got
}

func values(rs []record) []string {
	vs := []string{}
	for _, r := range rs {
		vs = append(vs, r.Value)
	}
	return vs
}

func src(brokers []string, topic string, opts ...kafka.Option) source.Source[record] {
	return kafka.Source(brokers, topic, records{}, opts...)
}
