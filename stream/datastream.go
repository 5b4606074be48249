package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// DataStream is a stream of T while the job is built. It is a small value; using it several times sends its records to each reader.
type DataStream[T any] struct {
	out  *output[T]
	from *sourceOutputs[T] // of a source's own stream
}

type sourceOutputs[T any] struct {
	dead        *output[*source.DecodeError]
	quarantined *output[T]
}

func (s DataStream[T]) job() *Job   { return s.out.job }
func (s DataStream[T]) node() *node { return s.out.node }

// attach makes a DataStream an Input of Process: its records as they are.
func (s DataStream[T]) attach(p *processor[T]) {
	p.refuseState("a stream that is not keyed")
	s.out.place(p.node, p.opts, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		i := p.instance(t, nil)
		return &plainProcess[T]{i}, i.control
	})
}

// plainProcess runs a function on an unkeyed stream.
type plainProcess[T any] struct{ *instance[T] }

func (o *plainProcess[T]) Push(m *flow.Meta, v T) error {
	err := o.invoke(m, v)
	o.task.Book().Became(m, *o.context.emitted)
	return err
}

// WithCodec says how the stream's records are kept in state: by windows that hold them, for example. A source's stream knows it from the source; a stream
// that a function made has to be told, but for basic types.
func WithCodec[T any](s DataStream[T], codec state.Codec[T]) DataStream[T] {
	o := s.out.onward(s.out.node)
	o.codec = codec
	s.out.readers = append(s.out.readers, o.build)
	return DataStream[T]{out: o, from: s.from}
}
