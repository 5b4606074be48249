package kafka

import "time"

// Message is one record to write. What its slices hold must not change until the record was acknowledged.
type Message struct {
	Key, Value []byte // a nil Value is a tombstone
	Headers    []Header
	// Time is the record's timestamp; the zero value means the row's event time in a Sink, and now in a Producer.
	Time time.Time
}

// Header is one record header.
type Header struct {
	Key   string
	Value []byte
}

// Encoder turns values into records. It may be used from several goroutines at once.
type Encoder[T any] interface {
	// Encode fills m, which is empty, with the record that stands for v. Values that replace each other must have the same key. For a row that is
	// deleted the record's value is left out, which makes it a tombstone.
	Encode(m *Message, v T) error
}

// EncoderFunc is a function as an Encoder.
type EncoderFunc[T any] func(m *Message, v T) error

// Encode implements Encoder.
func (f EncoderFunc[T]) Encode(m *Message, v T) error { return f(m, v) }
