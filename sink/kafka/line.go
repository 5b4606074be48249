package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/IBM/sarama"
)

// line is a sarama producer that several senders may share: each learns of the ends of its own records.
type line struct {
	async sarama.AsyncProducer
	done  chan struct{} // closed when both result channels are drained
}

func newLine(async sarama.AsyncProducer) *line {
	l := &line{async: async, done: make(chan struct{})}
	go l.results()
	return l
}

// results takes acknowledgements and failures until the producer is closed.
func (l *line) results() {
	defer close(l.done)
	ok, bad := l.async.Successes(), l.async.Errors()
	for ok != nil || bad != nil {
		select {
		case m, open := <-ok:
			if !open {
				ok = nil
				continue
			}
			m.Metadata.(*sender).settle(nil)
		case e, open := <-bad:
			if !open {
				bad = nil
				continue
			}
			e.Msg.Metadata.(*sender).settle(explain(e))
		}
	}
}

// close waits for what is in flight.
func (l *line) close() {
	l.async.AsyncClose()
	<-l.done
}

// sender sends records over a line and counts those in flight. Its methods are for one goroutine at a time, but for settle.
type sender struct {
	slots chan struct{} // one for each record in flight

	mu       sync.Mutex
	inFlight int
	err      error         // the first failure since the last flush
	idle     chan struct{} // gets a token when inFlight falls to 0
}

func newSender(maxInFlight int) *sender {
	return &sender{slots: make(chan struct{}, maxInFlight), idle: make(chan struct{}, 1)}
}

// send hands over one record. It waits while too many are in flight. The error is ctx's, or that of an earlier record, which flush would return too.
func (s *sender) send(ctx context.Context, l *line, topic string, m *Message) error {
	if err := errors.Join(ctx.Err(), s.failure()); err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	s.inFlight++
	s.mu.Unlock()
	pm := &sarama.ProducerMessage{Topic: topic, Timestamp: m.Time, Metadata: s}
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
	case l.async.Input() <- pm:
		return nil
	case <-ctx.Done():
		s.settle(nil)
		return ctx.Err()
	}
}

// flush waits until every record sent is acknowledged or has failed, and returns the first failure since the last flush.
func (s *sender) flush(ctx context.Context) error {
	for {
		s.mu.Lock()
		n, err := s.inFlight, s.err
		if n == 0 {
			s.err = nil
		}
		s.mu.Unlock()
		if n == 0 {
			return err
		}
		select {
		case <-s.idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *sender) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// settle counts one record as done.
func (s *sender) settle(err error) {
	s.mu.Lock()
	s.inFlight--
	if s.err == nil {
		s.err = err
	}
	idle := s.inFlight == 0
	s.mu.Unlock()
	<-s.slots
	if idle {
		select {
		case s.idle <- struct{}{}:
		default: // a token is there already
		}
	}
}
