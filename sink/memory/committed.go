package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/millrace/millrace/sink"
)

// Committed collects rows that appear when the checkpoint that covers them has completed, in the order of the commits. It outlives its Writers, as a
// database would, so a job that is restarted within the process meets what it prepared before. The zero value is ready to use; it must not be copied.
type Committed[T any] struct {
	faults
	mu       sync.Mutex
	rows     []T
	prepared map[string][]T
	applied  map[string]bool
	last     int // names prepared transactions
}

// Rows are the committed rows, in a slice of the caller's own.
func (c *Committed[T]) Rows() []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]T(nil), c.rows...)
}

// Open implements sink.Sink.
func (c *Committed[T]) Open(_ context.Context, env sink.Env) (sink.Writer[T], error) {
	if err := c.check(Open); err != nil {
		return nil, err
	}
	return &committedWriter[T]{store: c, prefix: strconv.Itoa(env.Subtask) + "/"}, nil
}

// Traits implements sink.Sink.
func (c *Committed[T]) Traits() sink.Traits { return sink.Traits{} }

func (c *Committed[T]) String() string { return "memory committed list" }

type committedWriter[T any] struct {
	store  *Committed[T]
	prefix string // of the names of what this subtask prepares
	rows   []T
}

func (w *committedWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	if err := w.store.check(Write); err != nil {
		return err
	}
	values, err := appendValues(w.rows, rows)
	if err != nil {
		return err
	}
	w.rows = values
	return nil
}

func (w *committedWriter[T]) Close() error { return nil }

// Prepare implements sink.Committer.
func (w *committedWriter[T]) Prepare(_ context.Context, checkpoint int64, _ bool) ([]byte, error) {
	if err := w.store.check(Prepare); err != nil {
		return nil, err
	}
	if len(w.rows) == 0 {
		return nil, nil
	}
	c := w.store
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.prepared == nil {
		c.prepared, c.applied = make(map[string][]T), make(map[string]bool)
	}
	c.last++
	name := fmt.Sprintf("%s%d/%d", w.prefix, checkpoint, c.last)
	c.prepared[name], w.rows = w.rows, nil
	return []byte(name), nil
}

// Commit implements sink.Committer.
func (w *committedWriter[T]) Commit(_ context.Context, pending []byte) error {
	if err := w.store.check(Commit); err != nil {
		return err
	}
	if pending == nil {
		return nil
	}
	c, name := w.store, string(pending)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.applied[name] {
		return nil
	}
	rows, ok := c.prepared[name]
	if !ok {
		return fmt.Errorf("memory: nothing was prepared as %q: it was discarded, or is another sink's", name)
	}
	c.rows = append(c.rows, rows...)
	c.applied[name] = true
	delete(c.prepared, name)
	return nil
}

// Recover implements sink.Committer.
func (w *committedWriter[T]) Recover(_ context.Context, committed [][]byte) error {
	c := w.store
	c.mu.Lock()
	defer c.mu.Unlock()
	w.rows = nil
	for name := range c.prepared {
		keep := slices.ContainsFunc(committed, func(p []byte) bool { return string(p) == name })
		if strings.HasPrefix(name, w.prefix) && !keep {
			delete(c.prepared, name)
		}
	}
	return nil
}
