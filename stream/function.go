package stream

import (
	"sync"
	"time"

	"github.com/millrace/millrace/window"
)

// Function makes results of what Process reads: In is T for a DataStream[T], Keyed[K, T] for a KeyedStream, Pane[K, T] for a WindowedStream.
//
// A Function given to Process as it is has no state of its own and is called from several goroutines. One that has - fields, keyed state, timers - is
// given by PerTask, and each task makes its own. Beside Process a function may have any of
//
//	Open(ctx *OpenContext) error                                            // before the first record; declares keyed state
//	OnTimer(ctx *Context, in In, at time.Time, out *Collector[O]) error     // a timer that the key set; in has the key and no value
//	Retract(ctx *Context, in In, out *Collector[O]) error                   // a record that is taken back: a late result superseded it
//	Close() error                                                           // after the last
//
// An error or a panic fails the job with the operator's name and the record's position.
type Function[In, O any] interface {
	Process(ctx *Context, in In, out *Collector[O]) error
}

// Opener, TimerHandler, Retractor and Closer are what a Function may have beside Process.
type (
	Opener interface {
		Open(ctx *OpenContext) error
	}
	TimerHandler[In, O any] interface {
		OnTimer(ctx *Context, in In, at time.Time, out *Collector[O]) error
	}
	Retractor[In, O any] interface {
		Retract(ctx *Context, in In, out *Collector[O]) error
	}
	Closer interface {
		Close() error
	}
)

// Keyed is a record of a KeyedStream with its key.
type Keyed[K comparable, T any] struct {
	Key   K
	Value T
}

// Pane is a window's contents as they are emitted.
type Pane[K comparable, T any] struct {
	Key    K
	Window window.TimeWindow
	// Elements are the window's records, in the order they came to it. The function may neither keep nor change the slice.
	Elements []T
	// Late says that a late record caused this pane, which replaces the window's earlier ones.
	Late bool
	// Partial says that the job began in mid-log, so near that records of this window may lie before.
	Partial bool
	// From is where the records stand in their splits, nil without the window option Provenance. The function may neither keep nor change it.
	From Ranges
}

// PerTask gives each task a function of its own, made by new.
func PerTask[In, O any, F Function[In, O]](new func() F) Function[In, O] {
	return &perTask[In, O]{make: func() Function[In, O] { return new() }}
}

type perTask[In, O any] struct {
	make  func() Function[In, O]
	once  sync.Once
	first Function[In, O]
}

// Process calls a function made for the purpose, so that a PerTask is itself a Function, as in a test that calls it directly.
func (p *perTask[In, O]) Process(ctx *Context, in In, out *Collector[O]) error {
	p.once.Do(func() { p.first = p.make() })
	return p.first.Process(ctx, in, out)
}
