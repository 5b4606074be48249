package stream

import (
	"cmp"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
)

// Union is all records of the streams, of which there is at least one. Time is the minimum over them.
func Union[T any](first DataStream[T], others ...DataStream[T]) DataStream[T] {
	j := first.out.job
	nodes := []*node{first.out.node}
	for _, s := range others {
		nodes = append(nodes, s.out.node)
	}
	n := j.add("union", "", nodes...)
	out := first.out.onward(n)
	for _, s := range others {
		out.reused = cmp.Or(out.reused, s.out.reused)
	}
	merges := map[*runtime.Task]*flow.Merge[T]{} // the streams may meet in one task
	build := func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		m := merges[t]
		if m == nil {
			m = flow.NewMerge(out.build(t))
			merges[t] = m
		}
		return m.Branch()
	}
	j.prepare = append(j.prepare, func(*runtime.Run) { clear(merges) })
	for _, s := range append([]DataStream[T]{first}, others...) {
		s.out.read(n, build)
	}
	return DataStream[T]{out: out}
}
