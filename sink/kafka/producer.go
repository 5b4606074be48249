package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
)

// Producer writes records without waiting for each: idempotent, acknowledged by all replicas, in order per key. Send, Flush and Close are for one
// goroutine at a time.
type Producer struct {
	async sarama.AsyncProducer
	slots chan struct{} // one for each record in flight
	done  chan struct{} // closed when both result channels are drained

	mu       sync.Mutex
	inFlight int
	err      error         // the first failure since the last Flush
	idle     chan struct{} // gets a token when inFlight falls to 0
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
	p := &Producer{async: async, slots: make(chan struct{}, c.maxInFlight), done: make(chan struct{}), idle: make(chan struct{}, 1)}
	go p.results()
	return p, nil
}

// Send hands over one record. It waits while too many are in flight. The error is ctx's, or that of an earlier record, which Flush would return too.
func (p *Producer) Send(ctx context.Context, topic string, m *Message) error {
	if err := errors.Join(ctx.Err(), p.failure()); err != nil {
		return err
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	p.inFlight++
	p.mu.Unlock()
	pm := &sarama.ProducerMessage{Topic: topic, Timestamp: m.Time}
	if m.Key != nil {
		pm.Key = sarama.ByteEncoder(m.Key)
	}
	if m.Value != nil {
		pm.Value = sarama.ByteEncoder(m.Value)
	}
	for _, h := range m.Headers {
		pm.Headers = append(pm.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	select {
	case p.async.Input() <- pm:
		return nil
	case <-ctx.Done():
		p.settle(nil)
		return ctx.Err()
	}
}

// Flush waits until every record sent is acknowledged or has failed, and returns the first failure since the last Flush.
func (p *Producer) Flush(ctx context.Context) error {
	for {
		p.mu.Lock()
		n, err := p.inFlight, p.err
		if n == 0 {
			p.err = nil
		}
		p.mu.Unlock()
		if n == 0 {
			return err
		}
		select {
		case <-p.idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close waits for what is in flight, and returns the first failure since the last Flush.
func (p *Producer) Close() error {
	p.async.AsyncClose()
	<-p.done
	return p.failure()
}

func (p *Producer) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// results takes acknowledgements and failures until the producer is closed.
func (p *Producer) results() {
	defer close(p.done)
	ok, bad := p.async.Successes(), p.async.Errors()
	for ok != nil || bad != nil {
		select {
		case _, open := <-ok:
			if !open {
				ok = nil
				continue
			}
			p.settle(nil)
		case e, open := <-bad:
			if !open {
				bad = nil
				continue
			}
			p.settle(explain(e))
		}
	}
}

// settle counts one record as done.
func (p *Producer) settle(err error) {
	p.mu.Lock()
	p.inFlight--
	if p.err == nil {
		p.err = err
	}
	idle := p.inFlight == 0
	p.mu.Unlock()
	<-p.slots
	if idle {
		select {
		case p.idle <- struct{}{}:
		default: // a token is there already
		}
	}
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
