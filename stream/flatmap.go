package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
)

// FlatMap turns each record into any number of others, given to emit in order. f has no state and is called from several goroutines; emit is valid during
// the call.
func FlatMap[T, U any](s DataStream[T], f func(v T, emit func(U)), opts ...OpOption) DataStream[U] {
	c := opOptions(opts)
	n := s.out.job.operator("flatmap", c.name, c, s.out.node)
	out := newOutput(s.out.job, n, builtin[U]())
	s.out.place(n, c, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		next, control := out.build(t)
		o := &flatMapOperator[T, U]{collector: Collector[U]{next: next, task: t, uid: n.uid}, f: f}
		o.emit = o.collector.Emit
		return o, control
	})
	return DataStream[U]{out: out}
}

type flatMapOperator[T, U any] struct {
	collector Collector[U]
	emit      func(U)
	f         func(T, func(U))
}

func (o *flatMapOperator[T, U]) Push(m *flow.Meta, v T) error {
	o.collector.begin(m)
	o.f(v, o.emit)
	o.collector.task.Book().Became(m, o.collector.n)
	return o.collector.end(nil)
}
