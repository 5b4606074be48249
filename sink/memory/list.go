package memory

import (
	"context"
	"errors"
	"sync"

	"github.com/millrace/millrace/sink"
)

var errDelete = errors.New("a list cannot delete rows: use memory.NewTable")

// List collects rows in order of arrival. The zero value is ready to use; it must not be copied.
type List[T any] struct {
	faults
	mu   sync.Mutex
	rows []T
}

// Rows are the rows so far, in a slice of the caller's own.
func (l *List[T]) Rows() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.rows...)
}

// Open implements sink.Sink.
func (l *List[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) {
	if err := l.check(Open); err != nil {
		return nil, err
	}
	return listWriter[T]{l}, nil
}

// Traits implements sink.Sink.
func (l *List[T]) Traits() sink.Traits { return sink.Traits{} }

func (l *List[T]) String() string { return "memory list" }

type listWriter[T any] struct{ list *List[T] }

func (w listWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	values, err := appendValues(nil, rows)
	if err != nil {
		return err
	}
	if err := w.list.check(Write); err != nil {
		return err
	}
	w.list.mu.Lock()
	defer w.list.mu.Unlock()
	w.list.rows = append(w.list.rows, values...)
	return nil
}

func (w listWriter[T]) Close() error { return nil }

func appendValues[T any](dst []T, rows []sink.Row[T]) ([]T, error) {
	for _, row := range rows {
		if row.Op == sink.Delete {
			return nil, errDelete
		}
		dst = append(dst, row.Value)
	}
	return dst, nil
}
