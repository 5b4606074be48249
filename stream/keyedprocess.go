package stream

import (
	"math"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/runtime"
)

func (k KeyedStream[K, T]) job() *Job   { return k.out.job }
func (k KeyedStream[K, T]) node() *node { return k.out.node }

// attach makes a KeyedStream an Input of Process: its records with their keys, state and timers at hand.
func (k KeyedStream[K, T]) attach(p *processor[Keyed[K, T]]) {
	p.checkRetractions()
	n := p.node
	n.shape = "process; " + k.shape()
	n.declare = func() (*keyed.Store, error) {
		c := &keyedContext{job: k.out.job, store: keyed.New(keyed.Config{})}
		if p.timers {
			keyed.NewCell(c.store, timersCell, timersCodec{})
		}
		return c.store, p.declare(c)
	}
	k.feed(n, p.opts.parallelism, func(t *runtime.Task) (flow.Pusher[T], flow.Control) {
		c := &keyedContext{job: k.out.job, store: k.store(t, n), watermark: math.MinInt64}
		if p.timers {
			c.timers = keyed.NewCell(c.store, timersCell, timersCodec{})
		}
		o := &keyedProcess[K, T]{
			keyedContext: c, instance: p.instance(t, c), lookahead: lookahead[T]{c.store, k.keyOf()}, keyOf: k.key, decode: k.coder.decode, admit: k.admit(t), oneSplit: k.cfg.oneSplit, local: k.local,
		}
		for _, d := range []keyed.Domain{keyed.EventTime, keyed.ProcessingTime} {
			o.fires[d] = func(e *keyed.Entry, _ int64) error { return o.fireOne(e, d) }
		}
		t.BindCells(n.uid, c.store)
		t.OnWake(o.nextWake, o.wake)
		return o, o
	})
}

// timersCell is the name of the cell that a function's timers are in.
const timersCell = "timers"

// keyedContext is the state of the key at hand.
type keyedContext struct {
	job       *Job
	store     *keyed.Store
	entry     *keyed.Entry
	timers    *keyed.Cell[timers] // nil where the function has no OnTimer
	watermark int64
}

// current is the entry of the key at hand.
func (c *keyedContext) current() *keyed.Entry {
	if c.entry == nil {
		panic("stream: keyed state is used outside of Process and OnTimer")
	}
	return c.entry
}

// keyedProcess runs a function on a keyed stream.
type keyedProcess[K comparable, T any] struct {
	*keyedContext
	*instance[Keyed[K, T]]
	lookahead[T]
	keyOf    func(T) K
	decode   func([]byte) (K, error)
	admit    func(*keyed.Entry, *flow.Meta) error
	fires    [2]func(*keyed.Entry, int64) error // fireOne by domain, made once
	oneSplit bool
	local    bool
	meta     flow.Meta // of a timer
	taken    flow.Meta // of a retraction
	used     flow.Meta // of what comes of a record
}

func (o *keyedProcess[K, T]) Push(m *flow.Meta, v T) error {
	switch m.For {
	case flow.Sinks:
		return nil
	case flow.State: // what the function makes of it concerns everyone
		o.taken = *m
		o.taken.For = flow.Everyone
		m = &o.taken
	}
	o.task.At = o.context.uid
	// Time has come to the record's origin already, but for timers that were set behind it.
	if o.local && o.timers != nil && o.store.Next(keyed.EventTime) <= m.Origin {
		if err := o.fire(keyed.EventTime, m.Origin); err != nil {
			return err
		}
		o.task.At = o.context.uid
	}
	key, err := o.named(v)
	if err != nil {
		return err
	}
	e, _, err := o.store.Entry(key, m.Hash)
	if err != nil {
		return err
	}
	if o.admit != nil {
		if err := o.admit(e, m); err != nil {
			return err
		}
	}
	if o.oneSplit {
		for o.store.Deadline(e, keyed.EventTime) <= m.Origin {
			if err := o.fireOne(e, keyed.EventTime); err != nil {
				return err
			}
		}
	}
	if !m.Counted {
		o.task.Book().End(m, ledger.Used)
		o.used = *m
		o.used.Counted = true
		m = &o.used
	}
	o.entry = e
	err = o.invoke(m, Keyed[K, T]{o.keyOf(v), v})
	o.entry = nil
	o.store.Settle(e)
	return err
}

// fireOne fires the earliest timer of an entry. The caller settles the entry.
func (o *keyedProcess[K, T]) fireOne(e *keyed.Entry, d keyed.Domain) error {
	t := o.timers.Get(e)
	due := (*t)[d][0]
	(*t)[d] = slices.Delete((*t)[d], 0, 1)
	o.rearm(e, d)
	o.store.Dirty(e)
	key, err := o.decode(bytesOf(e.Key))
	if err != nil {
		return err
	}
	o.meta = flow.Meta{Timestamp: due.at, Origin: max(due.at-1, due.origin), Split: flow.NoSplit, Counted: true}
	if d == keyed.ProcessingTime {
		o.meta.Timestamp, o.meta.Origin = max(o.watermark, 0), o.watermark
	}
	o.entry = e
	o.context.meta = &o.meta
	o.context.timer = timerAtHand{true, d, due.at}
	o.begin(&o.meta)
	err = o.onTimer(Keyed[K, T]{Key: key}, time.UnixMilli(due.at))
	o.context.timer.set = false
	o.entry = nil
	return err
}

func (o *keyedProcess[K, T]) fire(d keyed.Domain, time int64) error {
	return o.store.Fire(d, time, o.fires[d])
}

// Advance fires the timers that are due, those at a time in the order of their keys, and passes time on.
func (o *keyedProcess[K, T]) Advance(w int64) error {
	if w <= o.watermark {
		return nil
	}
	o.watermark = w
	if o.timers != nil {
		if err := o.fire(keyed.EventTime, w); err != nil {
			return err
		}
		if w == math.MaxInt64 { // the end of input drains
			if err := o.fire(keyed.ProcessingTime, w); err != nil {
				return err
			}
		}
	}
	return o.control.Advance(w)
}

func (o *keyedProcess[K, T]) nextWake() int64 {
	if o.timers == nil {
		return math.MaxInt64
	}
	return o.store.Next(keyed.ProcessingTime)
}

func (o *keyedProcess[K, T]) wake(now int64) error { return o.fire(keyed.ProcessingTime, now) }
