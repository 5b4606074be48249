// Package kafka writes results to a Kafka topic, on IBM/sarama: one record per row, keyed, so that the topic, compacted or not, is the table's log.
// A row that is deleted becomes a tombstone.
//
// A Write returns when every row of the batch is acknowledged by all in-sync replicas. After a crash the rows since the last checkpoint are written
// again: at least once, with the same keys and values.
//
// With ExactlyOnce rows are written within transactions that are committed together with the job's checkpoints: a reader at isolation level read_committed sees
// each row once, when its checkpoint is complete, and so later by up to the time between checkpoints. Each commit unit of a job, which is the whole job or a partition, uses two
// transactional ids, PREFIX/JOB/UNIT/0 and /1, and a consumer group PREFIX/JOB/UNIT whose only purpose is to hold, on the first partition of the topic, the marker of the last
// transaction; its lag means nothing. With access control the user needs Write and Describe on these ids, and Read on the group and the topic. Brokers must be of Kafka 3.0 or later.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source/kafka/cluster"
)

// batchRows is what one Write should carry: enough to fill a few record batches.
const batchRows = 2000

// maxTimestamp, in the year 2262, is the last event time that is taken for a record's timestamp: the client counts nanoseconds in 64 bits. Later ones, and those
// before 1970, which Kafka has no place for, become the time of writing.
const maxTimestamp = 9_223_372_036_854

// Sink writes to topic, which must exist, in the cluster that brokers ("host:port") belong to. A wrong option is reported when it is opened.
func Sink[T any](brokers []string, topic string, enc Encoder[T], opts ...Option) sink.Sink[T] {
	s := &topicSink[T]{brokers: brokers, topic: topic, enc: enc, opts: opts}
	c := newConfig(opts)
	var errs []error
	if topic == "" {
		errs = append(errs, errors.New("kafka sink: no topic given"))
	}
	if enc == nil {
		errs = append(errs, errors.New("kafka sink: the encoder is nil"))
	}
	if _, err := c.sarama(); err != nil {
		errs = append(errs, err)
	} else {
		s.cluster, err = cluster.New(brokers, c.connection)
		errs = append(errs, err)
	}
	s.err = errors.Join(errs...)
	if c.exactlyOnce {
		return &exactSink[T]{topicSink: s, config: c}
	}
	return s
}

type topicSink[T any] struct {
	brokers []string
	topic   string
	enc     Encoder[T]
	opts    []Option
	cluster *cluster.Cluster
	err     error // what is wrong with the arguments and options
}

// Open implements sink.Sink.
func (s *topicSink[T]) Open(ctx context.Context, _ sink.Env) (sink.Writer[T], error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	p, err := NewProducer(s.brokers, s.opts...)
	if err != nil {
		return nil, temporary(err)
	}
	return &writer[T]{encoding: encoding[T]{s.topic, s.enc}, producer: p}, nil
}

// ready reports wrong options and a topic that does not exist.
func (s *topicSink[T]) ready(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	meta, err := s.cluster.Metadata(ctx, s.topic)
	if err != nil {
		return temporary(fmt.Errorf("kafka sink topic=%s: %w", s.topic, err))
	}
	if t := meta.Topics[s.topic]; errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition) || t.Name == "" {
		return fmt.Errorf("kafka sink: topic %s does not exist on %s: create it, for example with `kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions 4`",
			s.topic, s.cluster, s.cluster, s.topic)
	}
	return nil
}

// Traits implements sink.Sink.
func (s *topicSink[T]) Traits() sink.Traits { return sink.Traits{Upserts: true, BatchRows: batchRows} }

// String implements sink.Sink.
func (s *topicSink[T]) String() string { return "kafka topic=" + s.topic }

// encoding makes records of rows.
type encoding[T any] struct {
	topic string
	enc   Encoder[T]
}

type writer[T any] struct {
	encoding[T]
	producer *Producer
	failed   bool // the last Write's error has been returned: closing need not repeat it
}

// Write implements sink.Writer. A failed batch is safe to write again: its rows keep their order within each key.
func (w *writer[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	err := w.write(ctx, rows, w.producer.line, w.producer.sender)
	w.failed = err != nil
	return temporary(err)
}

// write sends rows and waits for them. What was sent is waited for in any case, or it could overtake the next try. All rows are encoded before the first is sent, so that
// they go in few large requests.
func (w *encoding[T]) write(ctx context.Context, rows []sink.Row[T], l *line, s *sender) error {
	messages := make([]Message, len(rows))
	for i := range rows {
		if err := w.encode(&messages[i], &rows[i]); err != nil {
			return err
		}
	}
	var sendErr error
	for i := range messages {
		if sendErr = s.send(ctx, l, w.topic, &messages[i]); sendErr != nil {
			break
		}
	}
	err := s.flush(ctx)
	if sendErr != nil {
		return sendErr
	}
	return err
}

func (w *encoding[T]) encode(m *Message, row *sink.Row[T]) error {
	if err := w.enc.Encode(m, row.Value); err != nil {
		return fmt.Errorf("kafka topic %s: encoding a row: %w", w.topic, err)
	}
	switch {
	case len(m.Key) == 0:
		return fmt.Errorf("kafka topic %s: the encoder gave a row no key: rows replace each other by key", w.topic)
	case row.Op == sink.Delete:
		m.Value = nil
	case m.Value == nil:
		return fmt.Errorf("kafka topic %s: the encoder gave a row no value, which would delete it: use an empty slice for an empty value", w.topic)
	}
	if ms := m.Time.UnixMilli(); !m.Time.IsZero() && (m.Time.Unix() < 0 || m.Time.Unix() > maxTimestamp/1000 || ms > maxTimestamp) {
		return fmt.Errorf("kafka topic %s: record with key %.64q: the encoder gave it the time %s; Kafka's client writes times from 1970 to 2262: leave Message.Time out", w.topic, m.Key, m.Time.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if m.Time.IsZero() && row.Timestamp >= 0 && row.Timestamp <= maxTimestamp {
		m.Time = time.UnixMilli(row.Timestamp)
	}
	return nil
}

// Close implements sink.Writer.
func (w *writer[T]) Close() error {
	err := w.producer.Close()
	if w.failed {
		return nil
	}
	return err
}

// temporary marks what waiting may mend; a topic that does not exist is not that, nor is a user's error.
func temporary(err error) error {
	var kerr sarama.KError
	var stop sarama.ConfigurationError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, sarama.ErrUnknownTopicOrPartition), errors.As(err, &stop):
		return err
	case errors.As(err, &kerr), isNetwork(err):
		if cluster.Retriable(err) {
			return sink.Temporary(err)
		}
	}
	return err
}
