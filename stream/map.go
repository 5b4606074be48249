package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
)

// Map turns each record into another. f has no state and is called from several goroutines.
func Map[T, U any](s DataStream[T], f func(T) U, opts ...OpOption) DataStream[U] {
	c := opOptions(opts)
	n := s.out.job.operator("map", c.name, c, s.out.node)
	out := newOutput(s.out.job, n, builtin[U]())
	s.out.place(n, c, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		next, control := out.build(t)
		return &mapOperator[T, U]{next, f, t, n.uid}, control
	})
	return DataStream[U]{out: out}
}

type mapOperator[T, U any] struct {
	next flow.Pusher[U]
	f    func(T) U
	task *runtime.Task
	uid  string
}

func (o *mapOperator[T, U]) Push(m *flow.Meta, v T) error {
	o.task.At = o.uid
	return o.next.Push(m, o.f(v))
}

// TryMap is Map with a function that may fail. An error fails the job, with the operator's name and the record's position.
func TryMap[T, U any](s DataStream[T], f func(T) (U, error), opts ...OpOption) DataStream[U] {
	c := opOptions(opts)
	n := s.out.job.operator("map", c.name, c, s.out.node)
	out := newOutput(s.out.job, n, builtin[U]())
	s.out.place(n, c, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		next, control := out.build(t)
		return &tryMapOperator[T, U]{next, f, t, n.uid}, control
	})
	return DataStream[U]{out: out}
}

type tryMapOperator[T, U any] struct {
	next flow.Pusher[U]
	f    func(T) (U, error)
	task *runtime.Task
	uid  string
}

func (o *tryMapOperator[T, U]) Push(m *flow.Meta, v T) error {
	o.task.At = o.uid
	u, err := o.f(v)
	if err != nil {
		return err
	}
	return o.next.Push(m, u)
}
