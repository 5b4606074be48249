package runtime

import (
	"context"
	"math"

	"github.com/millrace/millrace/internal/exchange"
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/metrics"
)

// Receiver is the task loop behind an exchange: it merges the lanes' time, aligns barriers, and pushes the records into the first operator.
type Receiver[T any] struct {
	task    *Task
	inbox   *exchange.Inbox[T]
	next    flow.Pusher[T]
	ahead   flow.Expecter[T] // next, if it is one
	control flow.Control
	valve   *exchange.Valve
	idle    bool

	barrier int64 // being aligned; 0 for none
	passed  []bool
	missing int
	aside   []*exchange.Batch[T] // of lanes past the barrier, in order of arrival
	ended   bool
	initial int // lanes there were at the start
	in      metrics.Counter
}

// AddReceiver makes a task whose input is an inbox. build fuses its operators.
func AddReceiver[T any](r *Run, name string, subtask int, inbox *exchange.Inbox[T], build func(*Task) (flow.Pusher[T], flow.Control)) {
	t := r.newTask(name, subtask, false)
	t.At = name
	next, control := build(t)
	rc := &Receiver[T]{task: t, inbox: inbox, next: next, control: control, valve: exchange.NewValve()}
	rc.ahead, _ = next.(flow.Expecter[T])
	rc.in = r.cfg.Meter.Counter("records_in", "operator", name)
	r.before = append(r.before, func() { rc.initial = inbox.Lanes() }) // before any can join
	r.launch(t, rc.loop)
}

func (r *Receiver[T]) loop() error {
	t := r.task
	for range r.initial {
		r.valve.Add()
	}
	for {
		t.turn("goes on")
		in, command := r.inbox.C, t.command
		if p := t.run.turns; p != nil {
			switch p.Pick(len(in) > 0, len(command) > 0) {
			case 0:
				command = nil
			case 1:
				in = nil
			}
		}
		select {
		case b := <-in:
			if err := r.take(b); err != nil {
				return err
			}
			continue
		case c := <-command:
			if done, err := r.obey(c); done || err != nil {
				return err
			}
			continue
		default:
		}
		if done, err := r.await(); done || err != nil {
			return err
		}
	}
}

// await waits for a batch, a command or a time.
func (r *Receiver[T]) await() (done bool, err error) {
	t := r.task
	if err := t.flushAll(); err != nil {
		return false, err
	}
	ring, stop := t.alarm(0)
	defer stop()
	var b *exchange.Batch[T]
	var c command
	told := false
	came := nothing
	if p := t.run.turns; p != nil {
		came = p.Pick(len(r.inbox.C) > 0, len(t.command) > 0, t.Ctx.Err() != nil)
	}
	t.shares.enter(idle)
	switch came {
	case 0:
		b = <-r.inbox.C
	case 1:
		c, told = <-t.command, true
	case 2:
		return false, context.Cause(t.Ctx)
	default:
		select {
		case b = <-r.inbox.C:
		case c = <-t.command:
			told = true
		case q := <-t.asked.questions:
			q()
		case <-ring:
		case <-t.Ctx.Done():
			t.turn("is given up")
			return false, context.Cause(t.Ctx)
		}
	}
	t.shares.enter(busy)
	t.turn("has waited")
	switch {
	case b != nil:
		return false, r.take(b)
	case told:
		return r.obey(c)
	}
	return false, t.between()
}

func (r *Receiver[T]) obey(c command) (done bool, err error) {
	switch c.kind {
	case cmdCommitted:
		return false, r.task.committed(c.epoch)
	case cmdExit:
		return true, nil
	}
	return false, nil
}

// take handles a batch, or sets it aside while its lane waits for the others' barrier.
func (r *Receiver[T]) take(b *exchange.Batch[T]) error {
	r.meet(b.Lane)
	if r.barrier != 0 && r.passed[b.Lane] {
		r.aside = append(r.aside, b)
		return nil
	}
	if err := r.process(b); err != nil {
		return err
	}
	for r.barrier == 0 && len(r.aside) > 0 {
		waiting := r.aside
		r.aside = nil
		for i, b := range waiting {
			if r.barrier != 0 && r.passed[b.Lane] {
				r.aside = append(r.aside, waiting[i])
				continue
			}
			if err := r.process(b); err != nil {
				return err
			}
		}
	}
	return r.task.between()
}

// meet adds lanes that joined after the start: like a split that returns from idleness, they count from their first batch.
func (r *Receiver[T]) meet(lane int) {
	for len(r.passed) <= lane {
		if len(r.passed) >= r.initial {
			r.valve.AddIdle()
		}
		r.passed = append(r.passed, false)
	}
}

func (r *Receiver[T]) process(b *exchange.Batch[T]) error {
	t := r.task
	for rest := b.Records; ; {
		some := rest[:portion(rest)]
		if err := t.guard(func() error { return r.push(some) }); err != nil {
			return err
		}
		if rest = rest[len(some):]; len(rest) == 0 {
			break
		}
		if err := t.between(); err != nil {
			return err
		}
	}
	r.in.Add(int64(len(b.Records)))
	before := r.valve.Watermark()
	t.moved = b.Split
	r.valve.Set(b.Lane, b.Watermark, b.Idle, b.End)
	if w := r.valve.Watermark(); w > before && w != math.MaxInt64 {
		if err := t.guard(func() error { return r.control.Advance(w) }); err != nil {
			return err
		}
	}
	if idle := r.valve.Idle(); idle != r.idle {
		r.idle = idle
		for _, w := range t.writers {
			w.SetIdle(idle)
		}
	}
	barrier := b.Barrier
	lane := b.Lane
	b.Release()
	if barrier != 0 {
		if err := r.align(lane, barrier); err != nil {
			return err
		}
	}
	if !r.ended && r.valve.Ended() {
		r.ended = true
		if err := t.drain(r.control); err != nil {
			return err
		}
	}
	return nil
}

// portionRecords is how many records there are at most between two looks at the memory, the clock and the snapshot under way, however large batches are.
const portionRecords = 512

// touchedRecords is how many records' entries are touched together: few enough that the last does not push the first out of the processor's nearest caches again.
const touchedRecords = 64

// portion is how many of a batch's records come next: an atomic step is not cut.
func portion[T any](records []exchange.Envelope[T]) int {
	n := min(portionRecords, len(records))
	for 0 < n && n < len(records) && records[n-1].Meta.More {
		n++
	}
	return n
}

func (r *Receiver[T]) push(records []exchange.Envelope[T]) error {
	touching := r.ahead != nil
	if touching && r.ahead.Expecting(len(records)) {
		touching = false
		for i := range records {
			r.ahead.Expect(&records[i].Meta, records[i].Value)
		}
		if err := r.ahead.Fetch(); err != nil {
			return err
		}
	}
	for i := range records {
		if touching && i%touchedRecords == 0 {
			r.touch(records[i:min(i+touchedRecords, len(records))])
		}
		e := &records[i]
		r.task.Here = &e.Meta
		if err := r.next.Push(&e.Meta, e.Value); err != nil {
			return err
		}
	}
	return nil
}

func (r *Receiver[T]) touch(records []exchange.Envelope[T]) {
	for i := range records {
		r.ahead.Touch(records[i].Meta.Hash)
	}
}

func (r *Receiver[T]) align(lane int, barrier int64) error {
	if r.barrier == 0 {
		r.barrier = barrier
		clear(r.passed)
		r.missing = max(r.initial, len(r.passed))
		for len(r.passed) < r.missing {
			r.passed = append(r.passed, false)
		}
	}
	r.passed[lane] = true
	if r.missing--; r.missing > 0 {
		return nil
	}
	r.barrier = 0
	// The unit announces a checkpoint before it begins the next, so what it announced is waiting by now, and comes first.
	for {
		select {
		case c := <-r.task.command:
			if _, err := r.obey(c); err != nil {
				return err
			}
			continue
		default:
		}
		return r.task.snapshot(parseBarrier(barrier))
	}
}

// drain passes on the end of time and reports it.
func (t *Task) drain(c flow.Control) error {
	if err := t.guard(func() error { return c.Advance(math.MaxInt64) }); err != nil {
		return err
	}
	for _, w := range t.writers {
		if err := w.End(); err != nil {
			return err
		}
	}
	if err := t.flushAll(); err != nil {
		return err
	}
	return t.unit.drained(t.Ctx, t.id)
}
