package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// Producer writes records without waiting for each: idempotent, acknowledged by all replicas, in order per key. Send, Flush and Close are for one
// goroutine at a time.
type Producer struct {
	line   *line
	sender *sender
}

// NewProducer makes a Producer for the cluster that brokers belong to. It connects when the first record is sent.
func NewProducer(brokers []string, opts ...Option) (*Producer, error) {
	c := newConfig(opts)
	conf, err := c.sarama()
	if err != nil {
		return nil, err
	}
	async, err := sarama.NewAsyncProducer(brokers, conf)
	if err != nil {
		return nil, fmt.Errorf("kafka producer for %v: %w", brokers, err)
	}
	return &Producer{line: newLine(async), sender: newSender(c.maxInFlight)}, nil
}

// Send hands over one record. It waits while too many are in flight. The error is ctx's, or that of an earlier record, which Flush would return too.
func (p *Producer) Send(ctx context.Context, topic string, m *Message) error {
	return p.sender.send(ctx, p.line, topic, m)
}

// Flush waits until every record sent is acknowledged or has failed, and returns the first failure since the last Flush.
func (p *Producer) Flush(ctx context.Context) error { return p.sender.flush(ctx) }

// Close waits for what is in flight, and returns the first failure since the last Flush.
func (p *Producer) Close() error {
	p.line.close()
	return p.sender.failure()
}

// explain says which record failed, and what to do where that is known.
func explain(e *sarama.ProducerError) error {
	var key []byte
	if e.Msg.Key != nil {
		key, _ = e.Msg.Key.Encode() // bytes encode themselves
	}
	if len(key) > 64 {
		key = key[:64]
	}
	hint := ""
	var refused sarama.ConfigurationError // what sarama itself says of a record above the limit
	switch {
	case errors.Is(e.Err, sarama.ErrMessageSizeTooLarge), errors.As(e.Err, &refused):
		hint = " (raise MaxMessageBytes here and max.message.bytes of the topic)"
	case errors.Is(e.Err, sarama.ErrUnknownTopicOrPartition):
		hint = " (create the topic, or correct its name)"
	}
	return fmt.Errorf("kafka topic %s: record with key %q was not written%s: %w", e.Msg.Topic, key, hint, e.Err)
}
