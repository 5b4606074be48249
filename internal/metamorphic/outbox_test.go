package metamorphic

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
)

// outbox is a sink that outlives the runs of a job, as a database would. A committing one shows rows when their checkpoint has completed.
type outbox[T any] struct {
	upserts, committing bool
	exact               *sinkmemory.Transacted[sink.Row[T]] // where its rows are, if they come with transactions; else nil

	mu       sync.Mutex
	fail     func() error // asked before each call; may be nil
	rows     []sink.Row[T]
	prepared map[string][]sink.Row[T]
	applied  map[string]bool
	names    int
}

// sink is what a job writes to.
func (o *outbox[T]) sink() sink.Sink[T] {
	if o.exact != nil {
		return exactBox[T]{o.exact, o.upserts}
	}
	return o
}

func (o *outbox[T]) Traits() sink.Traits { return sink.Traits{Upserts: o.upserts, BatchRows: 20} }
func (o *outbox[T]) String() string      { return "outbox" }

// failWhen sets what may fail the calls of the next run.
func (o *outbox[T]) failWhen(f func() error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = f
}

// shown is a copy of the rows that have come to be seen, in their order.
func (o *outbox[T]) shown() []sink.Row[T] {
	if o.exact != nil {
		return o.exact.Rows()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]sink.Row[T](nil), o.rows...)
}

// call runs f alone, unless the sink is to fail.
func (o *outbox[T]) call(f func() error) error {
	o.mu.Lock()
	fail := o.fail
	o.mu.Unlock()
	if fail != nil { // it may wait, so the sink is not held meanwhile
		if err := fail(); err != nil {
			return err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return f()
}

func (o *outbox[T]) Open(_ context.Context, env sink.Env) (sink.Writer[T], error) {
	w := &outboxWriter[T]{box: o, prefix: fmt.Sprintf("%s/%d/", env.Operator, env.Subtask)}
	if !o.committing {
		return w, nil
	}
	return committingWriter[T]{w}, nil
}

type outboxWriter[T any] struct {
	box    *outbox[T]
	prefix string
	rows   []sink.Row[T]
}

func (w *outboxWriter[T]) Close() error { return nil }

func (w *outboxWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	return w.box.call(func() error {
		if w.box.committing {
			w.rows = append(w.rows, rows...)
		} else {
			w.box.rows = append(w.box.rows, rows...)
		}
		return nil
	})
}

type committingWriter[T any] struct{ *outboxWriter[T] }

func (w committingWriter[T]) Prepare(_ context.Context, checkpoint int64, _ bool) (pending []byte, err error) {
	o := w.box
	return pending, o.call(func() error {
		if len(w.rows) == 0 {
			return nil
		}
		if o.prepared == nil {
			o.prepared, o.applied = map[string][]sink.Row[T]{}, map[string]bool{}
		}
		o.names++
		name := fmt.Sprintf("%s%d/%d", w.prefix, checkpoint, o.names)
		o.prepared[name], w.rows = w.rows, nil
		pending = []byte(name)
		return nil
	})
}

func (w committingWriter[T]) Commit(_ context.Context, pending []byte) error {
	o, name := w.box, string(pending)
	return o.call(func() error {
		if o.applied[name] {
			return nil
		}
		rows, ok := o.prepared[name]
		if !ok {
			return fmt.Errorf("outbox: nothing was prepared as %q", name)
		}
		o.rows = append(o.rows, rows...)
		o.applied[name] = true
		delete(o.prepared, name)
		return nil
	})
}

func (w committingWriter[T]) Recover(_ context.Context, committed [][]byte) error {
	o := w.box
	return o.call(func() error {
		for _, c := range committed {
			if !o.applied[string(c)] {
				return fmt.Errorf("outbox: %q is to be kept and was not committed before Recover", c)
			}
		}
		for name := range o.prepared {
			if strings.HasPrefix(name, w.prefix) {
				delete(o.prepared, name)
			}
		}
		return nil
	})
}
