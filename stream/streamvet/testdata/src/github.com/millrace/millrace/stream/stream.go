// Package stream has the shapes of the real one that the analyzer looks at.
package stream

import "time"

type (
	Context            struct{}
	DataStream[T any]  struct{}
	Collector[T any]   struct{}
	Tag[T any]         struct{}
	Function[I, O any] interface {
		Process(ctx *Context, in I, out *Collector[O]) error
	}
	Aggregator[T, A, O any] interface {
		New() A
		Add(A, T) A
		Result(A) O
	}
)

func (c *Context) ProcessingTime() time.Time { return time.Time{} }
func (c *Collector[T]) Emit(T)               {}

func EmitTo[T any](*Context, *Tag[T], T) error                                            { return nil }
func Map[T, U any](DataStream[T], func(T) U) (s DataStream[U])                            { return }
func Filter[T any](s DataStream[T], f func(T) bool) DataStream[T]                         { return s }
func FlatMap[T, U any](DataStream[T], func(v T, emit func(U))) (s DataStream[U])          { return }
func Process[I, O any](DataStream[I], string, Function[I, O]) (s DataStream[O])           { return }
func Aggregate[T, A, O any](DataStream[T], string, Aggregator[T, A, O]) (s DataStream[O]) { return }
func Logger(func() string)                                                                {}
