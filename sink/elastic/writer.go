package elastic

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

const (
	// lookEvery is how often a Writer that writes looks whether its index is still there.
	lookEvery = time.Second

	closeTimeout = 15 * time.Second
)

type writer[T any] struct {
	sink   *upsert[T]
	client *client
	env    sink.Env
	last   *table.Last[T]
	bulk   *bulk[T]

	uuid    string    // of the index that was opened
	looked  time.Time // when it was last seen
	unclear bool      // an earlier request may still be under way
	written bool      // since the last refresh
}

func newWriter[T any](s *upsert[T], c *client, env sink.Env) *writer[T] {
	return &writer[T]{sink: s, client: c, env: env, last: table.NewLast(s.columns), bulk: newBulk(s.columns, s.config.batchBytes), unclear: true}
}

func (w *writer[T]) open(ctx context.Context) (err error) {
	if w.uuid, err = ensureIndex(ctx, w.client, w.sink.index, w.sink.columns, w.sink.config); err != nil {
		return err
	}
	w.looked = time.Now()
	return w.settle(ctx)
}

// settle waits for earlier requests that may still be under way.
func (w *writer[T]) settle(ctx context.Context) error {
	if !w.unclear {
		return nil
	}
	listed, err := awaitOwn(ctx, w.client)
	if err != nil {
		return err
	}
	if !listed && w.env.Logger != nil {
		w.env.Logger.Debug("the server does not list tasks, so requests whose answer was lost are not waited for", "sink", w.sink.String())
	}
	w.unclear = false
	return nil
}

func (w *writer[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	if err := w.write(ctx, rows); err != nil {
		return explain(ctx, w.sink, err)
	}
	return nil
}

func (w *writer[T]) write(ctx context.Context, rows []sink.Row[T]) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	w.bulk.reset()
	upserts, deletes := w.last.Split(rows)
	for _, picked := range [][]int32{upserts, deletes} {
		for len(picked) > 0 {
			fits, err := w.bulk.add(rows, picked[0])
			if err != nil {
				return err
			}
			if fits {
				picked = picked[1:]
				continue
			}
			if err := w.send(ctx, rows); err != nil {
				return err
			}
		}
	}
	if err := w.send(ctx, rows); err != nil {
		return err
	}
	if time.Since(w.looked) >= lookEvery {
		return w.look(ctx)
	}
	return nil
}

func (w *writer[T]) send(ctx context.Context, rows []sink.Row[T]) error {
	w.written = true
	err := w.bulk.send(ctx, w.client, w.sink.index, w.sink.config.refresh, rows)
	if err != nil && isUnclear(err) {
		w.unclear, w.looked = true, time.Time{}
	}
	return err
}

// look fails if the index is another than the one that was opened.
func (w *writer[T]) look(ctx context.Context) error {
	uuid, err := identity(ctx, w.client, w.sink.index)
	if err != nil {
		return err
	}
	if uuid != w.uuid {
		return fmt.Errorf("%w: %w", ErrSchema, errGone)
	}
	w.looked = time.Now()
	return nil
}

// Close makes what was written searchable, if the policy says so.
func (w *writer[T]) Close() error {
	defer w.client.close()
	// After an unclear end the job has failed, or was told to stop, and the server may be away.
	if !w.written || w.unclear || w.sink.config.refresh == RefreshNever {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := w.look(ctx)
	if err == nil {
		err = refresh(ctx, w.client, w.sink.index)
	}
	if err != nil {
		return explain(ctx, w.sink, err)
	}
	return nil
}
