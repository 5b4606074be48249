package stream

import (
	"errors"

	"github.com/millrace/millrace/internal/exchange"
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/sink"
)

// To writes a stream to a sink, one writer for each task. name is the sink's uid. A sink of a single writer gets all records by an exchange; so does
// one with Parallelism.
func To[T any](s DataStream[T], name string, to sink.Sink[T], opts ...OpOption) {
	c := opOptions(opts)
	j := s.out.job
	n := j.operator("sink", name, c, s.out.node)
	n.detail = to.String()
	n.shape = "sink"
	s.out.keptBy(n, "a sink, which gets them in batches,")
	n.exact, _ = sink.AsTransactional(to)
	if n.retracts && !to.Traits().Upserts {
		j.warn(n, "it cannot take rows back: a result that a late record supersedes stays beside its successor; use a sink with upserts to have the last result only")
	}
	build := func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		return runtime.NewSink(t, n.uid, to), flow.Still
	}
	if to.Traits().Single {
		if c.parallelism > 1 {
			j.fail(n, errors.New("the sink has a single writer: it takes no Parallelism"))
		}
		exchangeTo(s.out, n, single, 1, newRoundRobin[T](1), build)
		return
	}
	if to.Traits().Upserts && c.parallelism > 1 {
		j.warn(n, "its rows are spread over several writers: rows of one key may overtake each other, and the last to be written stays; leave out Parallelism unless each key has one row")
	}
	s.out.place(n, c, build)
}

// place adds a reader: fused into the same task, or, where it has a Parallelism, behind an exchange that spreads the records evenly.
func (o *output[T]) place(n *node, c opConfig, build func(*runtime.Task) (flow.Pusher[T], flow.Control)) {
	if c.parallelism == 0 {
		o.read(n, build)
		return
	}
	exchangeTo(o, n, roundRobin, c.parallelism, newRoundRobin[T](c.parallelism), build)
}

// Rebalance spreads a stream evenly over parallelism tasks.
func Rebalance[T any](s DataStream[T], parallelism int, opts ...OpOption) DataStream[T] {
	n := s.out.job.add("rebalance", opOptions(opts).name, s.out.node)
	out := newOutput(s.out.job, n, s.out.codec)
	exchangeTo(s.out, n, roundRobin, parallelism, newRoundRobin[T](parallelism), out.build)
	return DataStream[T]{out: out}
}

type roundRobinRoute[T any] struct{ next, parallelism int }

func newRoundRobin[T any](parallelism int) func() exchange.Route[T] {
	return func() exchange.Route[T] { return &roundRobinRoute[T]{parallelism: parallelism} }
}

// Route moves on after a record, but keeps an atomic step together.
func (r *roundRobinRoute[T]) Route(m *flow.Meta, _ T) (subtask int, hash uint64, err error) {
	at := r.next
	if !m.More {
		if r.next++; r.next == r.parallelism {
			r.next = 0
		}
	}
	return at, 0, nil
}
