package stream

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/window"
)

// WindowOption sets something for Window.
type WindowOption interface{ applyWindow(*windowConfig) }

type windowOption func(*windowConfig)

func (f windowOption) applyWindow(c *windowConfig) { f(c) }

type windowConfig struct {
	lateness   time.Duration
	strict     bool
	trigger    window.Trigger
	provenance bool
}

// AllowedLateness keeps a window open for late records for so long after its end: each that it takes emits the window again, and takes back what the new
// result supersedes. The default is 0.
func AllowedLateness(d time.Duration) WindowOption {
	return windowOption(func(c *windowConfig) { c.lateness = d })
}

// StrictLateness refuses every record that is older than its split's watermark less the allowed lateness, even where it would extend an open
// session. With it sessions are a function of the log also when a key's records come from several splits.
func StrictLateness() WindowOption { return windowOption(func(c *windowConfig) { c.strict = true }) }

// Trigger emits windows when t says, in place of the assigner's own trigger.
func Trigger(t window.Trigger) WindowOption {
	return windowOption(func(c *windowConfig) { c.trigger = t })
}

// WindowedStream is a keyed stream in windows. Process, Aggregate or Reduce says what comes out of them; it is used once.
type WindowedStream[K comparable, T any] struct {
	keyed    KeyedStream[K, T]
	assigner window.Assigner
	gap      func(T) int64
	cfg      windowConfig
	late     *output[T]
	user     *node // shared by copies of the handle: stands for the operator that uses it
}

// Window puts the records of a keyed stream into windows.
func Window[K comparable, T any](s KeyedStream[K, T], a window.Assigner, opts ...WindowOption) WindowedStream[K, T] {
	w := WindowedStream[K, T]{keyed: s, assigner: a, user: &node{}}
	for _, o := range opts {
		o.applyWindow(&w.cfg)
	}
	w.late = s.out.onward(w.user)
	s.out.job.windows = append(s.out.job.windows, openWindow{s.out.node, a.String(), w.user})
	for _, part := range []any{a, w.cfg.trigger} {
		if v, ok := part.(window.Validator); ok && v.Err() != nil {
			s.out.job.fail(s.out.node, v.Err())
		}
	}
	if w.cfg.lateness < 0 {
		s.out.job.fail(s.out.node, fmt.Errorf("an allowed lateness of %s is negative", w.cfg.lateness))
	}
	return w
}

// DynamicSessions puts the records into event-time sessions whose gap each record sets: it belongs to [t, t+gap), at least a millisecond. gap has no state. rule names
// it in the job's fingerprint: change it when the function changes.
func DynamicSessions[K comparable, T any](s KeyedStream[K, T], rule string, gap func(T) time.Duration, opts ...WindowOption) WindowedStream[K, T] {
	w := Window(s, dynamicSession{rule}, opts...)
	w.gap = func(v T) int64 { return gap(v).Milliseconds() }
	return w
}

type dynamicSession struct{ rule string }

func (dynamicSession) Assign(dst []window.TimeWindow, _ int64) []window.TimeWindow { return dst }
func (dynamicSession) Traits() window.Traits                                       { return window.Traits{Merging: true} }
func (d dynamicSession) String() string                                            { return "session gap by " + d.rule }

// Late is the records that no window took, because they came too late. They are counted as "late", read or not.
func Late[K comparable, T any](w WindowedStream[K, T]) DataStream[T] {
	return DataStream[T]{out: w.late}
}

func (w WindowedStream[K, T]) job() *Job   { return w.keyed.out.job }
func (w WindowedStream[K, T]) node() *node { return w.keyed.out.node }

// shape is the definition that the operator's state depends on.
func (w WindowedStream[K, T]) shape() string {
	parts := []string{w.assigner.String()}
	if w.cfg.trigger != nil {
		parts = append(parts, "trigger "+w.cfg.trigger.String())
	}
	parts = append(parts, fmt.Sprintf("lateness %s", w.cfg.lateness))
	if w.cfg.strict {
		parts = append(parts, "strict")
	}
	return strings.Join(append(parts, w.keyed.shape()), "; ")
}

// connect builds the window operator of n. fire makes, for a task, what emits its panes and what time is passed on to.
func connect[K comparable, T, A any](w WindowedStream[K, T], n *node, c opConfig, fold windowing.Fold[T, A], fire func(*runtime.Task) (func(*windowing.Pane[A]) error, flow.Control)) {
	j := w.job()
	if w.user.alias != nil {
		j.fail(n, fmt.Errorf("its windows are used by %q already: call Window again", w.user.alias.uid))
		return
	}
	w.user.alias = n
	if w.cfg.lateness.Milliseconds() < n.lateness {
		j.fail(n, fmt.Errorf("its allowed lateness of %s is below the %s of the windows before it, whose late results it would lose", w.cfg.lateness, time.Duration(n.lateness)*time.Millisecond))
	}
	if n.retracts && fold.Retract == nil {
		j.fail(n, fmt.Errorf("the results it reads may be taken back (allowed lateness or a trigger further up), and it cannot take anything back: give it a Retract, or DropRetractions"))
	}
	if fold.Codec == nil {
		j.fail(n, fmt.Errorf("what its windows hold has no codec: give the stream one by WithCodec, or the aggregator a Codec method"))
		return
	}
	if w.cfg.provenance && w.assigner.Traits().KeepLast > 0 {
		j.fail(n, fmt.Errorf("windows that keep their last records (%s) have no Provenance", w.assigner))
	}
	show(j, w.keyed.out.codec)
	n.detail = w.assigner.String()
	n.shape = n.kind + "; " + w.shape() + "; holds " + fold.Codec.ID()
	n.declare = func() (*keyed.Store, error) {
		s := keyed.New(keyed.Config{})
		windowing.Declare(s, fold.Codec)
		return s, nil
	}
	traits := w.assigner.Traits()
	trigger := w.cfg.trigger
	if trigger == nil {
		trigger = traits.Trigger
	}
	n.retracts = traits.KeepLast == 0 && (w.cfg.lateness > 0 || trigger != nil && !window.Discards(trigger)) || n.retracts
	n.lateness = max(n.lateness, w.cfg.lateness.Milliseconds())
	w.keyed.feed(n, c.parallelism, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		emit, control := fire(t)
		late, lateControl := w.late.build(t)
		store := w.keyed.store(t, n)
		key := w.keyed.keyOf()
		op := windowing.New(windowing.Config[T, A]{
			Assigner: w.assigner, Gap: w.gap, Trigger: w.cfg.trigger, Lateness: w.cfg.lateness.Milliseconds(), Strict: w.cfg.strict,
			OneSplitPerKey: w.keyed.cfg.oneSplit, Fold: fold, Store: store, Now: t.Now, Key: key, Admit: w.keyed.admit(t),
			Fire: emit, Stateful: j.feedsState(n), Partial: w.partial(t), Late: late, Next: flow.Join(control, lateControl),
			Provenance: w.cfg.provenance, Trace: j.cfg.trace.windows(n.uid, t), Book: t.Book(),
		})
		t.BindCells(n.uid, store)
		t.OnWake(op.NextWake, op.Wake)
		countWindows(t, n.uid, &op.Counters)
		return &at[T]{lookahead[T]{store, key}, op, t, n.uid}, op
	})
}

// keepsRecords refuses records that are read into one value and that nothing copies.
func (w WindowedStream[K, T]) keepsRecords(n *node) {
	if windowing.Keeping(w.keyed.out.codec) == nil {
		w.keyed.out.keptBy(n, "its windows, as the stream's codec does not copy them,")
	}
}

// purges reports whether the panes of a window stand beside each other: none is a version of another.
func (w WindowedStream[K, T]) purges() bool {
	traits := w.assigner.Traits()
	trigger := w.cfg.trigger
	if trigger == nil {
		trigger = traits.Trigger
	}
	return traits.KeepLast > 0 || trigger != nil && window.Discards(trigger)
}

// partial is the event time up to which records may be missing: of the task's own split, or of any.
func (w WindowedStream[K, T]) partial(t *runtime.Task) func() int64 {
	if w.keyed.local {
		return t.Split().Partial
	}
	return t.Run().Splits.Partial
}

// at attributes what happens in an operator to it.
type at[T any] struct {
	lookahead[T]
	next flow.Pusher[T]
	task *runtime.Task
	uid  string
}

func (o *at[T]) Push(m *flow.Meta, v T) error {
	o.task.At = o.uid
	return o.next.Push(m, v)
}

// countWindows publishes an operator's counters whenever its task flushes.
func countWindows(t *runtime.Task, uid string, c *windowing.Counters) {
	var last windowing.Counters
	meter := t.Run().Meter()
	late, idle := meter.Counter("late", "operator", uid), meter.Counter("late_by_idling", "operator", uid)
	refusable := meter.Counter("below_strict_lateness", "operator", uid)
	panes, retractions := meter.Counter("panes", "operator", uid), meter.Counter("retractions", "operator", uid)
	partial := meter.Counter("partial_panes", "operator", uid)
	publish := func() error {
		late.Add(c.LateRecords - last.LateRecords)
		idle.Add(c.LateByIdling - last.LateByIdling)
		refusable.Add(c.Refusable - last.Refusable)
		panes.Add(c.Panes - last.Panes)
		retractions.Add(c.Retractions - last.Retractions)
		partial.Add(c.PartialPanes - last.PartialPanes)
		last = *c
		return nil
	}
	t.OnFlush(publish)
	t.OnClose(publish)
}
