package replay

import (
	"context"

	"github.com/millrace/millrace/sink"
)

// Discard is a sink that forgets its rows, for dry runs; the engine counts them ("rows_written"). upserts says whether it takes deletions, as the sink does whose
// place it holds.
func Discard[T any](upserts bool) sink.Sink[T] { return discard[T]{upserts} }

type discard[T any] struct{ upserts bool }

func (d discard[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) { return d, nil }
func (d discard[T]) Traits() sink.Traits                                    { return sink.Traits{Upserts: d.upserts} }
func (d discard[T]) String() string                                         { return "discard" }
func (d discard[T]) Write(context.Context, []sink.Row[T]) error             { return nil }
func (d discard[T]) Close() error                                           { return nil }
