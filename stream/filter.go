package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/runtime"
)

// Filter keeps the records for which keep is true. keep has no state and is called from several goroutines.
func Filter[T any](s DataStream[T], keep func(T) bool, opts ...OpOption) DataStream[T] {
	c := opOptions(opts)
	n := s.out.job.operator("filter", c.name, c, s.out.node)
	out := s.out.onward(n)
	s.out.place(n, c, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		next, control := out.build(t)
		return &filterOperator[T]{next, keep, t, n.uid, t.Book()}, control
	})
	return DataStream[T]{out: out}
}

type filterOperator[T any] struct {
	next flow.Pusher[T]
	keep func(T) bool
	task *runtime.Task
	uid  string
	book *ledger.Book
}

func (o *filterOperator[T]) Push(m *flow.Meta, v T) error {
	o.task.At = o.uid
	if !o.keep(v) {
		o.book.End(m, ledger.Filtered)
		return nil
	}
	return o.next.Push(m, v)
}
