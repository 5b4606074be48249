package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/windowing"
)

// Input is what Process reads: a DataStream, a KeyedStream or a WindowedStream.
type Input[In any] interface {
	attach(p *processor[In])
	job() *Job
	node() *node
}

// Process runs a function over a stream. name is the operator's uid: its state is kept under it.
func Process[In, O any](s Input[In], name string, fn Function[In, O], opts ...OpOption) DataStream[O] {
	j := s.job()
	c := opOptions(opts)
	n := j.operator("process", name, c, s.node())
	out := newOutput(j, n, builtin[O]())
	p := &processor[In]{node: n, job: j, opts: c}
	make := func() Function[In, O] { return fn }
	example := fn
	if each, ok := fn.(*perTask[In, O]); ok {
		make, example = each.make, each.make()
		p.perTask = true
	}
	_, p.opens = example.(Opener)
	_, p.timers = example.(TimerHandler[In, O])
	_, p.retracts = example.(Retractor[In, O])
	p.instance = func(t *runtime.Task, k *keyedContext) *instance[In] {
		next, control := out.build(t)
		sides := n.buildSides(t)
		return newInstance(j, n.uid, t, k, make(), next, flow.Join(control, sides))
	}
	p.declare = func(k *keyedContext) error { return declareState(make(), j, n.uid, k) }
	if p.opens && !p.perTask {
		j.fail(n, fmt.Errorf("%T has Open and so state of its own: give it as stream.PerTask(constructor), so that each task has one", fn))
	}
	s.attach(p)
	return DataStream[O]{out: out}
}

// processor is a Process operator while the graph is built: what is known of its function without its result type.
type processor[In any] struct {
	node                             *node
	job                              *Job
	opts                             opConfig
	instance                         func(*runtime.Task, *keyedContext) *instance[In]
	declare                          func(*keyedContext) error // opens an instance for the state that it declares, and closes it
	perTask, opens, timers, retracts bool
}

// refuseState reports what a function on an unkeyed or windowed stream cannot have.
func (p *processor[In]) refuseState(where string) {
	if p.timers {
		p.job.fail(p.node, fmt.Errorf("the function has OnTimer, but reads %s: timers belong to a KeyedStream", where))
	}
	p.checkRetractions()
}

func (p *processor[In]) checkRetractions() {
	if p.node.retracts && !p.retracts {
		p.job.fail(p.node, errors.New("the records it reads may be taken back (allowed lateness or a trigger further up): give the function a Retract method, or the operator DropRetractions"))
	}
}

// instance is a function in a task.
type instance[In any] struct {
	context Context
	control flow.Control
	process func(In) error
	retract func(In) error
	onTimer func(In, time.Time) error
	begin   func(*flow.Meta)
	task    *runtime.Task
}

func newInstance[In, O any](j *Job, uid string, t *runtime.Task, k *keyedContext, fn Function[In, O], next flow.Pusher[O], control flow.Control) *instance[In] {
	i := &instance[In]{context: Context{task: t, job: j, uid: uid, keyed: k}, control: control, task: t}
	out := &Collector[O]{next: next, task: t, uid: uid}
	i.begin = out.begin
	i.context.emitted = &out.n
	i.process = func(in In) error { return out.end(fn.Process(&i.context, in, out)) }
	if f, ok := fn.(TimerHandler[In, O]); ok {
		i.onTimer = func(in In, at time.Time) error { return out.end(f.OnTimer(&i.context, in, at, out)) }
	}
	if f, ok := fn.(Retractor[In, O]); ok {
		i.retract = func(in In) error { return out.end(f.Retract(&i.context, in, out)) }
	}
	if f, ok := fn.(Opener); ok {
		t.OnOpen(func(context.Context) error {
			t.At = uid
			return f.Open(&OpenContext{task: t, job: j, uid: uid, keyed: k})
		})
	}
	if f, ok := fn.(Closer); ok {
		t.OnClose(func() error {
			t.At = uid
			return f.Close()
		})
	}
	return i
}

// invoke runs the function on a record.
func (i *instance[In]) invoke(m *flow.Meta, in In) error {
	i.context.meta, i.context.asked = m, -1
	i.begin(m)
	if m.Retract {
		if i.retract == nil {
			return nil // nothing was promised to be taken back
		}
		return i.retract(in)
	}
	return i.process(in)
}

// attach makes a WindowedStream an Input of Process: its panes, with all records.
func (w WindowedStream[K, T]) attach(p *processor[Pane[K, T]]) {
	p.refuseWindow()
	w.keepsRecords(p.node)
	var fold windowing.Fold[T, []T]
	if w.keyed.out.codec != nil {
		fold = windowing.Elements(w.keyed.out.codec)
	}
	connect(w, p.node, p.opts, fold, func(t *runtime.Task) (func(*windowing.Pane[[]T]) error, flow.Control) {
		i := p.instance(t, nil)
		i.context.pane = &paneAtHand{purges: w.purges()}
		names := rangesOf{splits: t.Run().Splits}
		return func(b *windowing.Pane[[]T]) error {
			key, err := w.keyed.coder.decode(bytesOf(b.Key))
			if err != nil {
				return err
			}
			i.context.meta, i.context.now = b.Meta, b.Watermark
			i.begin(b.Meta)
			from := names.name(b.From)
			i.context.pane.at(b.Key, b.Window, from)
			return i.process(Pane[K, T]{Key: key, Window: b.Window, Elements: *b.Contents, Late: b.Late, Partial: b.Partial, From: from})
		}, i.control
	})
}

// refuseWindow reports what a function on windows cannot have. Retractions are not its business: a superseded pane is run through it again, its results marked.
func (p *processor[In]) refuseWindow() {
	if p.timers {
		p.job.fail(p.node, errors.New("the function has OnTimer, but reads windows: timers belong to a KeyedStream"))
	}
}
