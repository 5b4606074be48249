package memory

import (
	"context"
	"sync"

	"github.com/millrace/millrace/sink"
)

// Table holds the newest row of each key. Make it with NewTable.
type Table[K comparable, T any] struct {
	faults
	key     func(T) K
	mu      sync.Mutex
	rows    map[K]T
	placed  map[K]struct{} // the keys in order
	order   []K            // of first arrival, deleted keys included
	changes []sink.Row[T]
}

// NewTable makes an empty table whose rows have the key that the function takes from them.
func NewTable[K comparable, T any](key func(T) K) *Table[K, T] {
	return &Table[K, T]{key: key, rows: make(map[K]T), placed: make(map[K]struct{})}
}

// Rows are the rows there are now, in the order in which their keys first came.
func (t *Table[K, T]) Rows() []T {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := make([]T, 0, len(t.rows))
	for _, k := range t.order {
		if row, ok := t.rows[k]; ok {
			rows = append(rows, row)
		}
	}
	return rows
}

// Get is the row of a key, if there is one.
func (t *Table[K, T]) Get(key K) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row, ok := t.rows[key]
	return row, ok
}

// Changes is everything that was written so far, superseded rows and deletes included. It grows with each row.
func (t *Table[K, T]) Changes() []sink.Row[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]sink.Row[T](nil), t.changes...)
}

// Open implements sink.Sink.
func (t *Table[K, T]) Open(context.Context, sink.Env) (sink.Writer[T], error) {
	if err := t.check(Open); err != nil {
		return nil, err
	}
	return tableWriter[K, T]{t}, nil
}

// Traits implements sink.Sink.
func (t *Table[K, T]) Traits() sink.Traits { return sink.Traits{Upserts: true} }

func (t *Table[K, T]) String() string { return "memory table" }

type tableWriter[K comparable, T any] struct{ table *Table[K, T] }

func (w tableWriter[K, T]) Write(_ context.Context, rows []sink.Row[T]) error {
	t := w.table
	if err := t.check(Write); err != nil {
		return err
	}
	keys := make([]K, len(rows))
	for i := range rows {
		keys[i] = t.key(rows[i].Value)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, rows...)
	for i, key := range keys {
		if rows[i].Op == sink.Delete {
			delete(t.rows, key)
			continue
		}
		if _, ok := t.placed[key]; !ok {
			t.placed[key] = struct{}{}
			t.order = append(t.order, key)
		}
		t.rows[key] = rows[i].Value
	}
	return nil
}

func (w tableWriter[K, T]) Close() error { return nil }
