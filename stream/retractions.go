package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/metrics"
	"github.com/millrace/millrace/internal/runtime"
)

// dropping puts what drops retractions before an operator that was told to.
func dropping[T any](n *node, build func(*runtime.Task) (flow.Pusher[T], flow.Control)) func(*runtime.Task) (flow.Pusher[T], flow.Control) {
	if !n.drops {
		return build
	}
	return func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		next, control := build(t)
		return &dropRetractions[T]{next, t.Run().Meter().Counter("retractions_dropped", "operator", n.uid)}, control
	}
}

type dropRetractions[T any] struct {
	next    flow.Pusher[T]
	dropped metrics.Counter
}

func (o *dropRetractions[T]) Push(m *flow.Meta, v T) error {
	if !m.Retract {
		return o.next.Push(m, v)
	}
	if m.For != flow.Sinks { // the same was announced before
		o.dropped.Add(1)
	}
	return nil
}
