package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/window"
)

// Aggregator folds the records of a window into an accumulator as they come, so that a window holds A and not its records. It has no state and is called from
// several goroutines. Where A is a basic type its codec is known; otherwise the aggregator has a method
//
//	Codec() state.Codec[A]
//
// With a method
//
//	Retract(a A, v T) A
//
// it can read results that are taken back. With a method
//
//	ResultOf(ctx *Context, w Aggregated[K, A]) O
//
// that is called in place of Result, and sees all that is known of the window. With a method
//
//	AddTo(a *A, v T)
//
// that is called in place of Add: it takes a record in without copying the accumulator, which for one of some words is a good part of what a record costs.
type Aggregator[K comparable, T, A, O any] interface {
	// New is the accumulator of an empty window.
	New() A
	// Add takes a record in; it may change and return a.
	Add(a A, v T) A
	// Merge joins the accumulators of windows that became one; it may change and return a.
	Merge(a, b A) A
	// Result is what a window of a key comes to. It may not change a.
	Result(key K, w window.TimeWindow, a A) O
}

// Aggregated is what a window came to, for an Aggregator's ResultOf.
type Aggregated[K comparable, A any] struct {
	Key    K
	Window window.TimeWindow
	Value  A // ResultOf may not change it
	// Late, Partial and From are as those of Pane.
	Late, Partial bool
	From          Ranges
}

// Aggregate emits a window's result. name is the operator's uid: its state is kept under it.
func Aggregate[K comparable, T, A, O any](w WindowedStream[K, T], name string, f Aggregator[K, T, A, O], opts ...OpOption) DataStream[O] {
	add := func(a *A, v T) { *a = f.Add(*a, v) }
	if in, ok := f.(interface{ AddTo(a *A, v T) }); ok {
		add = in.AddTo
	}
	fold := windowing.Fold[T, box[A]]{
		Add: func(a *box[A], v T) error {
			if !a.full {
				a.v, a.full = f.New(), true
			}
			add(&a.v, v)
			return nil
		},
		Merge: func(into, from *box[A]) error {
			switch {
			case !from.full:
			case !into.full:
				*into = *from
			default:
				into.v = f.Merge(into.v, from.v)
			}
			return nil
		},
	}
	if r, ok := f.(interface{ Retract(A, T) A }); ok {
		fold.Retract = func(a *box[A], v T) error {
			if !a.full {
				a.v, a.full = f.New(), true
			}
			a.v = r.Retract(a.v, v)
			return nil
		}
	}
	codec := builtin[A]()
	if c, ok := f.(interface{ Codec() state.Codec[A] }); ok {
		codec = c.Codec()
	}
	if codec != nil {
		fold.Codec = boxCodec[A]{codec}
		show(w.job(), codec)
	}
	result := func(_ *Context, w Aggregated[K, A]) O { return f.Result(w.Key, w.Window, w.Value) }
	if r, ok := f.(interface {
		ResultOf(ctx *Context, w Aggregated[K, A]) O
	}); ok {
		result = r.ResultOf
	}
	return windowResult(w, "aggregate", name, opts, fold, result, nil)
}

// Reduce emits the combination of a window's records, in the order they came.
func Reduce[K comparable, T any](w WindowedStream[K, T], name string, f func(a, b T) T, opts ...OpOption) DataStream[T] {
	w.keepsRecords(w.node())
	var keep func(T) T
	codec := w.keyed.out.codec
	if codec != nil {
		keep = windowing.Keeping(codec)
	}
	fold := windowing.Fold[T, box[T]]{
		Add: func(a *box[T], v T) error {
			if keep != nil {
				v = keep(v)
			}
			if a.full {
				v = f(a.v, v)
			}
			a.v, a.full = v, true
			return nil
		},
		Merge: func(into, from *box[T]) error {
			switch {
			case !from.full:
			case !into.full:
				*into = *from
			default:
				into.v = f(into.v, from.v)
			}
			return nil
		},
	}
	if codec != nil {
		fold.Codec = boxCodec[T]{codec}
	}
	return windowResult(w, "reduce", name, opts, fold, func(_ *Context, w Aggregated[K, T]) T { return w.Value }, codec)
}

func windowResult[K comparable, T, A, O any](w WindowedStream[K, T], kind, name string, opts []OpOption, fold windowing.Fold[T, box[A]], result func(*Context, Aggregated[K, A]) O, codec state.Codec[O]) DataStream[O] {
	if codec == nil {
		codec = builtin[O]()
	}
	c := opOptions(opts)
	n := w.job().operator(kind, name, c, w.node())
	out := newOutput(w.job(), n, codec)
	// emitter makes what emits the windows of a task: a is the value of p.
	emitter := func(t *runtime.Task, next flow.Pusher[O]) func(p *windowing.Pane[box[A]]) error {
		ctx := &Context{task: t, job: w.job(), uid: n.uid, pane: &paneAtHand{purges: w.purges()}, emitted: new(int64)}
		names := rangesOf{splits: t.Run().Splits}
		return func(p *windowing.Pane[box[A]]) error {
			t.At = n.uid
			key, err := w.keyed.coder.decode(bytesOf(p.Key))
			if err != nil {
				return err
			}
			from := names.name(p.From)
			ctx.meta, ctx.now = p.Meta, p.Watermark
			ctx.pane.at(p.Key, p.Window, from)
			return next.Push(p.Meta, result(ctx, Aggregated[K, A]{Key: key, Window: p.Window, Value: p.Contents.v, Late: p.Late, Partial: p.Partial, From: from}))
		}
	}
	if w.assigner.Traits().KeepLast > 0 { // what drops records cannot fold them before
		w.keepsRecords(n)
		var elements windowing.Fold[T, []T]
		if w.keyed.out.codec != nil {
			elements = windowing.Elements(w.keyed.out.codec)
		}
		connect(w, n, c, elements, func(t *runtime.Task) (func(*windowing.Pane[[]T]) error, flow.Control) {
			next, control := out.build(t)
			emit := emitter(t, next)
			var folded windowing.Pane[box[A]]
			return func(p *windowing.Pane[[]T]) error {
				t.At = n.uid
				var a box[A]
				for _, v := range *p.Contents {
					if err := fold.Add(&a, v); err != nil {
						return err
					}
				}
				folded = windowing.Pane[box[A]]{Key: p.Key, Window: p.Window, Contents: &a, Meta: p.Meta, Late: p.Late, Partial: p.Partial, Watermark: p.Watermark, From: p.From}
				return emit(&folded)
			}, control
		})
		return DataStream[O]{out: out}
	}
	connect(w, n, c, fold, func(t *runtime.Task) (func(*windowing.Pane[box[A]]) error, flow.Control) {
		next, control := out.build(t)
		return emitter(t, next), control
	})
	return DataStream[O]{out: out}
}

// box is an accumulator that may not be there yet.
type box[A any] struct {
	v    A
	full bool
}

type boxCodec[A any] struct{ inner state.Codec[A] }

func (c boxCodec[A]) ID() string { return c.inner.ID() }

func (c boxCodec[A]) boxed() string { return c.inner.ID() }

func (c boxCodec[A]) Append(dst []byte, b box[A]) ([]byte, error) {
	if !b.full {
		return append(dst, 0), nil
	}
	return c.inner.Append(append(dst, 1), b.v)
}

func (c boxCodec[A]) Decode(src []byte) (b box[A], err error) {
	if len(src) == 0 || src[0] == 0 {
		return b, nil
	}
	b.full = true
	b.v, err = c.inner.Decode(src[1:])
	return b, err
}
