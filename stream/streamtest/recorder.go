package streamtest

import (
	"context"
	"slices"
	"sync"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
)

// Recorder is a sink that keeps all rows, retractions included, until they are taken. The zero value is ready to use; it must not be copied.
type Recorder[T any] struct {
	mu   sync.Mutex
	rows []sink.Row[T]
}

// TakeRows is what came since the last take: results as upserts, results taken back as deletes, with their timestamps.
func (r *Recorder[T]) TakeRows() []sink.Row[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := r.rows
	r.rows = nil
	return rows
}

// Take is the values of what came since the last take, without the results that were taken back.
func (r *Recorder[T]) Take() []T { return values(r.TakeRows()) }

func values[T any](rows []sink.Row[T]) (vs []T) {
	for _, row := range rows {
		if row.Op == sink.Upsert {
			vs = append(vs, row.Value)
		}
	}
	return vs
}

// Open implements sink.Sink.
func (r *Recorder[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) {
	return recorderWriter[T]{r}, nil
}

// Traits implements sink.Sink: the recorder takes deletes.
func (r *Recorder[T]) Traits() sink.Traits { return sink.Traits{Upserts: true} }

func (r *Recorder[T]) String() string { return "recorder" }

type recorderWriter[T any] struct{ of *Recorder[T] }

func (w recorderWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.rows = append(w.of.rows, slices.Clone(rows)...)
	return nil
}

func (w recorderWriter[T]) Close() error { return nil }

// Side reads a side output of the function under test. It is called before the first Push.
func Side[T, O, S any](h *Harness[T, O], tag *stream.Tag[S]) *Output[S] {
	o := &Output[S]{sync: h.sync}
	h.mustBeNew("Side")
	name := "side-" + tag.String()
	h.readers = append(h.readers, func(s stream.DataStream[O]) { stream.To(stream.SideOutput(s, tag), name, &o.recorder) })
	return o
}

// Output is a further output of what a Harness runs.
type Output[T any] struct {
	recorder Recorder[T]
	sync     func()
}

// Take is the values that came since the last Take.
func (o *Output[T]) Take() []T { return values(o.TakeRows()) }

// TakeRows is Take with timestamps.
func (o *Output[T]) TakeRows() []sink.Row[T] {
	o.sync()
	return o.recorder.TakeRows()
}
