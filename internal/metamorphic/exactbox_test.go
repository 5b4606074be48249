package metamorphic

import (
	"context"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
)

// exactBox is an outbox whose rows appear with the transactions of their checkpoints, which all exactBoxes of a job share.
type exactBox[T any] struct {
	*sinkmemory.Transacted[sink.Row[T]]
	upserts bool
}

func (b exactBox[T]) Traits() sink.Traits { return sink.Traits{Upserts: b.upserts, BatchRows: 20} }

func (b exactBox[T]) Open(ctx context.Context, env sink.Env) (sink.Writer[T], error) {
	w, err := b.Transacted.Open(ctx, env)
	return exactWriter[T]{w}, err
}

// exactWriter writes rows as values: the list below it would have no deletions.
type exactWriter[T any] struct{ rows sink.Writer[sink.Row[T]] }

func (w exactWriter[T]) Join(t sink.Transaction) error { return w.rows.(sink.Joiner).Join(t) }
func (w exactWriter[T]) Close() error                  { return w.rows.Close() }

func (w exactWriter[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	values := make([]sink.Row[sink.Row[T]], len(rows))
	for i, r := range rows {
		values[i].Value = r
	}
	return w.rows.Write(ctx, values)
}
