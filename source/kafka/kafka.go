// Package kafka reads Kafka topics, on IBM/sarama.
//
// A split is one partition of one topic, named "topic/partition"; a position is an offset. Each split has a connection of its own and takes whole record
// batches from the broker's answer to the task, where records are decoded one at a time. A decoded value may alias its record's bytes as far as the
// Decoder lets it: every answer is a fresh buffer that is never written again, and lives as long as something refers to it.
//
// Sarama makes, keeps and authenticates the connections, and does all that is asked of a cluster. The records of an answer alone are read by this package,
// where they lie: sarama would make an object of each, which took a seventh of a job's time.
//
// Offsets are kept in the job's state. A consumer group (Group) only shows them to monitoring; Committed reads one as a start position.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/millrace/millrace/internal/partitioner"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/state"
)

// Partition names one partition of one topic: Partition{Topic: "clicks", ID: 3}.
type Partition = cluster.Partition

// Source reads topic, and whatever the options add, from the cluster that brokers ("host:port") belong to. It connects when it is opened; a wrong option
// is reported then. topic may be empty where Topics, Pattern or Partitions say what to read.
func Source[T any](brokers []string, topic string, dec source.Decoder[T], opts ...Option) source.Source[T] {
	c := newConfig(topic)
	for _, o := range opts {
		o(&c)
	}
	var errs []error
	if dec == nil {
		errs = append(errs, errors.New("kafka source: the decoder is nil"))
	}
	errs = append(errs, c.validate())
	cl, err := cluster.New(brokers, c.connection)
	errs = append(errs, err)
	return &topicSource[T]{config: c, dec: dec, cluster: cl, err: errors.Join(errs...)}
}

// Murmur2Partition is the partition, of n, in which a Java producer puts records with this key.
func Murmur2Partition(key []byte, n int32) int32 { return partitioner.Murmur2(key, n) }

type topicSource[T any] struct {
	config
	dec     source.Decoder[T]
	cluster *cluster.Cluster
	err     error // what is wrong with the arguments and options
}

// Open implements source.Source: it asks the cluster for its topics, so that a cluster that is away and refused credentials show here.
func (s *topicSource[T]) Open(ctx context.Context, env source.Env) (source.Session[T], error) {
	if s.err != nil {
		return nil, s.err
	}
	logger := env.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	ss := &session[T]{src: s, env: env, log: logger, known: map[Partition]bounds{}, leaders: map[Partition]cluster.Leader{}, ids: map[string]string{}}
	if _, err := ss.subscribed(ctx); err != nil {
		return nil, err
	}
	return ss, nil
}

// Codec is the decoder where it is also a state.Codec[T], and nil otherwise.
func (s *topicSource[T]) Codec() state.Codec[T] {
	codec, _ := s.dec.(state.Codec[T])
	return codec
}

// String names what is read: "kafka topic=clicks".
func (s *topicSource[T]) String() string {
	var b strings.Builder
	b.WriteString("kafka")
	names := s.topicNames()
	switch {
	case len(s.partitions) > 0:
		b.WriteString(" partitions=")
		for i, p := range s.partitions {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(splitID(p))
		}
	case len(names) == 1:
		fmt.Fprintf(&b, " topic=%s", names[0])
	case len(names) > 1:
		fmt.Fprintf(&b, " topics=%s", strings.Join(names, ","))
	}
	if s.pattern != nil {
		fmt.Fprintf(&b, " pattern=%s", s.pattern)
	}
	if s.bounded() {
		b.WriteString(" bounded")
	}
	if s.readCommitted {
		b.WriteString(" read-committed")
	}
	return b.String()
}

// temporary marks what waiting may mend.
func temporary(err error) error {
	if cluster.Retriable(err) && !final(err) {
		return source.Temporary(err)
	}
	return err
}
