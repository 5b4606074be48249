package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/sink"
)

// exactSink is a topicSink that writes within transactions.
type exactSink[T any] struct {
	*topicSink[T]
	config config
}

// Open implements sink.Sink.
func (s *exactSink[T]) Open(ctx context.Context, _ sink.Env) (sink.Writer[T], error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return &exactWriter[T]{encoding: encoding[T]{s.topic, s.enc}, settings: s.config.settings(), sender: newSender(s.config.maxInFlight)}, nil
}

// String implements sink.Sink.
func (s *exactSink[T]) String() string { return s.topicSink.String() + " exactly-once" }

// System implements sink.Transactional.
func (s *exactSink[T]) System() string { return fmt.Sprintf("kafka %v", s.brokers) }

// Transactor implements sink.Transactional.
func (s *exactSink[T]) Transactor(ctx context.Context, env sink.TransactorEnv) (sink.Transactor, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if s.config.timeout <= env.CheckpointEvery {
		return nil, fmt.Errorf("kafka sink topic=%s: TransactionTimeout (%s) is not above CheckpointEvery (%s): the brokers would give up each transaction before its checkpoint", s.topic, s.config.timeout, env.CheckpointEvery)
	}
	return newTransactor(s.brokers, s.topic, s.cluster, s.config, env), nil
}

// settings is what the writers of a transaction have in common.
type settings struct {
	compression Compression
	hash        string
	maxMessage  int
}

func (c *config) settings() settings { return settings{c.compression, c.hash, c.maxMessage} }

type exactWriter[T any] struct {
	encoding[T]
	settings settings
	sender   *sender
	in       *transaction
}

// Join implements sink.Joiner.
func (w *exactWriter[T]) Join(t sink.Transaction) error {
	n, ok := t.(*transaction)
	if !ok {
		return fmt.Errorf("kafka sink topic=%s: a %T is not a transaction of Kafka", w.topic, t)
	}
	if n.settings != w.settings {
		return fmt.Errorf("kafka sink topic=%s: its compression, partitioner or MaxMessageBytes are not those of the other exactly-once sinks, whose transactions it shares: give all the same options", w.topic)
	}
	w.in = n
	return nil
}

// Write implements sink.Writer. Rows that could not be written fail the transaction: they are not tried again.
func (w *exactWriter[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	if w.in == nil {
		return errors.New("kafka sink topic=" + w.topic + ": an exactly-once sink writes within the transactions of a job only; a sink around it needs a method Unwrap() any that returns it")
	}
	w.in.begun()
	return w.in.fenced(w.write(ctx, rows, w.in.line, w.sender))
}

// Close implements sink.Writer. The transaction is its Transactor's.
func (w *exactWriter[T]) Close() error { return nil }
