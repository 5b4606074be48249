package explain

import (
	"context"

	"github.com/millrace/millrace/sink"
)

// Sink keeps the rows of the key and drops the others.
func (r *Recorder[T, E, O]) Sink() sink.Sink[O] {
	return taking[O]{"explain", func(rows []sink.Row[O]) {
		for _, row := range rows {
			if r.cfg.RowKey(row.Value) == r.cfg.Key {
				r.mu.Lock()
				r.rows = append(r.rows, row)
				r.mu.Unlock()
			}
		}
	}}
}

// taking is a sink that hands rows to a function. It takes back what it is told to, so that a job has nothing to warn of.
type taking[O any] struct {
	name string
	take func([]sink.Row[O])
}

func (s taking[O]) Open(context.Context, sink.Env) (sink.Writer[O], error) { return s, nil }
func (s taking[O]) Traits() sink.Traits                                    { return sink.Traits{Upserts: true} }
func (s taking[O]) String() string                                         { return s.name }
func (s taking[O]) Close() error                                           { return nil }

func (s taking[O]) Write(_ context.Context, rows []sink.Row[O]) error {
	s.take(rows)
	return nil
}
