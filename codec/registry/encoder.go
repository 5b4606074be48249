package registry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
)

// Encoder writes messages framed. It is safe for concurrent use.
type Encoder[M proto.Message] struct {
	inner    *codec.ProtoCodec[M]
	client   *Client
	message  protoreflect.MessageDescriptor
	topic    string
	register bool
	header   atomic.Pointer[[]byte] // nil until the schema's id is known; never changed once stored
}

// EncoderOption changes an Encoder.
type EncoderOption func(*encoderConfig)

type encoderConfig struct{ lookup bool }

// LookupOnly never registers: the compiled type's schema must be in the subject already. For places where schemas are registered by a deployment.
func LookupOnly() EncoderOption { return func(c *encoderConfig) { c.lookup = true } }

// NewEncoder makes an encoder of messages for a topic, which its subject is named after.
func NewEncoder[M proto.Message](c *Client, inner *codec.ProtoCodec[M], topic string, opts ...EncoderOption) *Encoder[M] {
	var cfg encoderConfig
	for _, o := range opts {
		o(&cfg)
	}
	return &Encoder[M]{inner: inner, client: c, message: descriptor[M](), topic: topic, register: !cfg.lookup}
}

// Prepare registers the compiled type's schema, or finds it, and returns what it is registered as. Append does it by itself where it was not done before; a
// program does it first to learn at once of a registry that refuses. The error wraps ErrIncompatible where it does.
func (e *Encoder[M]) Prepare(ctx context.Context) (*Schema, error) {
	subject := e.client.Subject(e.topic, e.message.FullName())
	find := e.client.Register
	if !e.register {
		find = e.client.Registered
	}
	s, err := find(ctx, subject, e.message.ParentFile())
	if err != nil {
		return nil, err
	}
	m := messageNamed(s.File, e.message.FullName())
	if m == nil {
		return nil, fmt.Errorf("%w: %s has no message %s", ErrWrongMessage, s, e.message.FullName())
	}
	header := Header{int32(s.ID), pathTo(m)}.Append(nil)
	e.header.Store(&header)
	return s, nil
}

// Append appends the framed message. On an error it returns dst as it was. The error is marked by sink.Temporary where the registry could not be asked.
func (e *Encoder[M]) Append(dst []byte, v M) ([]byte, error) {
	header := e.header.Load()
	if header == nil {
		if _, err := e.Prepare(context.Background()); err != nil {
			if errors.Is(err, ErrUnavailable) {
				err = sink.Temporary(err)
			}
			return dst, err
		}
		header = e.header.Load()
	}
	out, err := e.inner.Append(append(dst, *header...), v)
	if err != nil {
		return dst, err
	}
	return out, nil
}
