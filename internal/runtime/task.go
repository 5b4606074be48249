package runtime

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/state"
)

// Task is one goroutine of the job with the operators that are fused in it. While the job is built, operators register what they need with it; then
// all of it happens on the task's goroutine.
type Task struct {
	Name    string // the head operator's uid
	Subtask int
	Ctx     context.Context // done when the run is given up
	Clock   clock.Clock
	Logger  *slog.Logger
	// At is the uid of the operator whose user function is running: what an error or panic is attributed to.
	At string
	// Here is the record being pushed into the task's first operator, nil when a timer or control is at work.
	Here *flow.Meta

	run     *Run
	unit    *unit
	id      int
	who     string // its goroutine's name in a simulation
	source  bool
	split   *Split
	loop    func() error
	command chan command
	writers []Writer
	stores  []*keyed.Store
	open    []func(context.Context) error
	snap    []func(*Snapshot) error
	commit  []func(epoch int64) error
	flush   []func() error
	wake    []waker
	close   []func() error
	flushed time.Time
	yielded time.Time // the last turn began about then
	wall    wallTime
	taking  *Snapshot // the snapshot under way
	shares  shares
	first   int64 // the checkpoint that the task's first records belong to
	book    ledger.Book
	pauses  pauses
	moved   int32 // the split of the task that sent the batch at hand
	asked   asked
}

type waker struct {
	next func() int64
	wake func(now int64) error
}

// Writer is the sending end of an exchange.
type Writer interface {
	Flush() error
	Barrier(checkpoint int64) error
	SetIdle(bool)
	End() error
}

// Snapshot is a task's part of a checkpoint.
type Snapshot struct {
	Epoch int64
	// Last says that the job ends with this checkpoint, all input drained.
	Last  bool
	Batch *state.Batch
	// Ended is what the task's book says at the barrier, by split.
	Ended []ledger.Tally
	task  int
}

type command struct {
	kind  commandKind
	epoch int64
	stop  bool // of barrier: read nothing after it
	last  bool // of barrier: all is drained
}

type commandKind uint8

const (
	cmdBarrier commandKind = iota
	cmdCommitted
	cmdDrain
	cmdExit
)

// OnOpen registers what to do before the first record, in the order of registration.
func (t *Task) OnOpen(f func(context.Context) error) { t.open = append(t.open, f) }

// OnSnapshot registers an operator's part of a checkpoint.
func (t *Task) OnSnapshot(f func(*Snapshot) error) { t.snap = append(t.snap, f) }

// OnCommitted registers what to do when a checkpoint has become durable.
func (t *Task) OnCommitted(f func(epoch int64) error) { t.commit = append(t.commit, f) }

// OnFlush registers what to do when the input runs dry, and at least every buffer timeout.
func (t *Task) OnFlush(f func() error) { t.flush = append(t.flush, f) }

// OnWake registers processing-time work: next tells the time in milliseconds before which there is none.
func (t *Task) OnWake(next func() int64, wake func(now int64) error) {
	t.wake = append(t.wake, waker{next, wake})
}

// OnClose registers what to give back when the task ends, in reverse order of registration.
func (t *Task) OnClose(f func() error) { t.close = append(t.close, f) }

// AddWriter registers the sending end of an exchange.
func (t *Task) AddWriter(w Writer) { t.writers = append(t.writers, w) }

// Store makes the keyed state of an operator of this task. shards are what the task owns: key groups, or its partition.
func (t *Task) Store(operator uint16, shards []uint16, shardOf func([]byte) uint16) *keyed.Store {
	s := keyed.New(keyed.Config{
		Backend:  t.run.store,
		Operator: operator,
		Shards:   shards,
		ShardOf:  shardOf,
		Loaded:   t.run.Restored() && !t.run.fresh[operator],
	})
	t.stores = append(t.stores, s)
	t.OnSnapshot(func(c *Snapshot) error { s.Begin(c.Batch); return nil })
	t.OnCommitted(func(int64) error { s.Committed(); return nil })
	return s
}

// KeepWatermark makes the watermark of a generator in the task's chain part of its checkpoints, and restores it before the first record.
func (t *Task) KeepWatermark(operator string, get func() int64, restore func(int64) error) {
	name := operator + "/" + strconv.Itoa(t.Subtask)
	t.OnSnapshot(func(c *Snapshot) error { set(c.Batch, "watermark", name, get()); return nil })
	if w, ok := t.run.meta.watermarks[name]; ok && w != math.MinInt64 {
		t.OnOpen(func(context.Context) error { return restore(w) })
	}
}

// ID is the task's number in the run: side outputs are resolved by it.
func (t *Task) ID() int { return t.id }

// Run is the run that the task belongs to.
func (t *Task) Run() *Run { return t.run }

// Now is the processing time in milliseconds; see wallTime.
func (t *Task) Now() int64 { return t.wall.hold(t.Clock.Now().UnixMilli()) }

// guard calls f and turns an error or a panic into an OperatorError that names the operator at work and the record at hand.
func (t *Task) guard(f func() error) (err error) {
	defer func() { t.Here, err = nil, t.wrap(err) }()
	defer caught(&err)
	return f()
}

func (t *Task) start() error {
	for _, f := range t.open {
		if err := t.guard(func() error { return f(t.Ctx) }); err != nil {
			return err
		}
	}
	t.flushed = t.Clock.Now()
	return nil
}

// stop closes what the operators opened, keeping the first error.
func (t *Task) stop() error {
	var first error
	for i := len(t.close) - 1; i >= 0; i-- {
		if err := t.guard(t.close[i]); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// snapshot takes the task's part of a checkpoint and hands it to the unit.
func (t *Task) snapshot(c command) error {
	return t.pauses.stop(func() error { return t.begin(c) })
}

func (t *Task) begin(c command) error {
	s := &Snapshot{Epoch: c.epoch, Last: c.last, Batch: &state.Batch{}, Ended: t.book.Copy(), task: t.id}
	for _, f := range t.snap {
		if err := t.guard(func() error { return f(s) }); err != nil {
			return err
		}
	}
	for _, w := range t.writers {
		if err := w.Barrier(barrierNumber(c)); err != nil {
			return err
		}
	}
	t.flushed = t.Clock.Now()
	t.taking = s
	return t.encode()
}

// sliceEntries is how many entries of keyed state are encoded between two batches of records, and urgentEntries where as many may change meanwhile and memory does not allow that.
const (
	sliceEntries  = 500
	urgentEntries = 16 * sliceEntries
)

// slice does a part of the snapshot under way, and hands it to the unit when it is complete.
func (t *Task) slice() error { return t.pauses.stop(t.encode) }

func (t *Task) encode() error {
	n := sliceEntries
	if slices.ContainsFunc(t.stores, (*keyed.Store).Strained) {
		n = urgentEntries
	}
	for _, s := range t.stores {
		before := t.taking.Batch.Len()
		done, err := s.Slice(n)
		if err != nil {
			return t.wrap(err)
		}
		if !done {
			return nil
		}
		n = max(1, n-(t.taking.Batch.Len()-before))
	}
	s := t.taking
	t.taking = nil
	return t.unit.deliver(t.Ctx, t.id, s)
}

// A barrier's number in the lanes says also what kind it is: the receivers' tasks learn it from there.
const (
	barrierStop = 1 << 62
	barrierLast = 1 << 61
)

func barrierNumber(c command) int64 {
	n := c.epoch
	if c.stop {
		n |= barrierStop
	}
	if c.last {
		n |= barrierLast
	}
	return n
}

func parseBarrier(n int64) command {
	return command{kind: cmdBarrier, epoch: n &^ (barrierStop | barrierLast), stop: n&barrierStop != 0, last: n&barrierLast != 0}
}

// committed tells the operators.
func (t *Task) committed(epoch int64) error {
	return t.pauses.stop(func() error { return t.settled(epoch) })
}

func (t *Task) settled(epoch int64) error {
	for _, f := range t.commit {
		if err := t.guard(func() error { return f(epoch) }); err != nil {
			return err
		}
	}
	return nil
}

// flushAll sends what waits in lanes and sinks.
func (t *Task) flushAll() error {
	t.flushed = t.Clock.Now()
	for _, w := range t.writers {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, f := range t.flush {
		if err := t.guard(f); err != nil {
			return err
		}
	}
	return nil
}

// ringing always rings.
var ringing = func() <-chan time.Time { c := make(chan time.Time); close(c); return c }()

// coreTime is for how long a task keeps its core where others wait for one. By itself the scheduler interrupts after 10 to 20 ms only, and with as many goroutines as a
// job has that adds up to long waits; shorter turns would cost more for caches that are cold.
const coreTime = time.Millisecond

// between is what happens between two slices of records: questions, processing time, the buffer timeout, the memory budget.
func (t *Task) between() error {
	t.serve()
	now := t.Clock.Now()
	if now.Sub(t.yielded) >= coreTime {
		runtime.Gosched()
		now = t.Clock.Now()
		t.yielded = now
	}
	if now.Sub(t.flushed) >= t.run.cfg.BufferTimeout {
		if err := t.flushAll(); err != nil {
			return err
		}
	}
	if err := t.wakeUp(t.wall.hold(now.UnixMilli())); err != nil {
		return err
	}
	if t.taking != nil {
		if err := t.slice(); err != nil {
			return err
		}
	}
	full := false
	for _, s := range t.stores {
		s.Trim()
		if s.Pressed() {
			t.unit.demand()
		}
		full = full || s.Full()
	}
	if full {
		return t.awaitCommit()
	}
	return nil
}

// awaitCommit waits, where what changed fills the memory budget, for the end of a commit under way, after which it may leave. Nothing but a commit is waited for: no part of the
// checkpoint is missing any more then, so that none can be waiting for this task.
func (t *Task) awaitCommit() error {
	committing := t.unit.committing.Load()
	if committing == nil {
		return nil
	}
	if err := t.flushAll(); err != nil {
		return err
	}
	ended, given := (<-chan struct{})(*committing), t.Ctx.Done()
	if p := t.run.turns; p != nil {
		ready := p.Pick(closed(ended), t.Ctx.Err() != nil)
		ended, given = onlyIf(ready, 0, ended), onlyIf(ready, 1, given)
	}
	t.shares.enter(paused)
	defer t.shares.enter(busy)
	for {
		select {
		case <-ended:
			t.turn("has waited for a commit")
			return nil
		case q := <-t.asked.questions:
			q()
		case <-given:
			t.turn("is given up")
			return context.Cause(t.Ctx)
		}
	}
}

func (t *Task) wakeUp(now int64) error {
	for _, w := range t.wake {
		if w.next() <= now {
			if err := t.guard(func() error { return w.wake(now) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextWake is when the task wants to be woken, or false.
func (t *Task) nextWake() (time.Duration, bool) {
	next := int64(math.MaxInt64)
	for _, w := range t.wake {
		next = min(next, w.next())
	}
	if next == math.MaxInt64 {
		return 0, false
	}
	return max(0, min(clockLook, time.UnixMilli(next).Sub(t.Clock.Now()))), true
}

// alarm is a channel that rings at the next wake-up, and what stops it. It rings at once while a snapshot is under way.
func (t *Task) alarm(atMost time.Duration) (<-chan time.Time, func()) {
	if t.taking != nil {
		return ringing, func() {}
	}
	d, ok := t.nextWake()
	if atMost > 0 && (!ok || atMost < d) {
		d, ok = atMost, true
	}
	if !ok {
		return nil, func() {}
	}
	return t.Clock.After(d)
}
