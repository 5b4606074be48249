package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/metrics"
	"github.com/millrace/millrace/sink"
)

// sinkLinger bounds how long rows wait for a batch to fill while the writer is busy.
const sinkLinger = 20 * time.Millisecond

const defaultBatchRows = 500

// sinkTask is a sink operator in a task. Rows collect in a batch; a goroutine of its own writes full batches, so that the task goes on
// meanwhile: two batches in all, so a slow sink holds its task. While the writer is busy a batch may grow beyond the usual size, if the job allows it:
// a job that is behind keeps its sinks busy and so gets larger batches, one that has caught up does not.
type sinkTask[T any] struct {
	task    *Task
	name    string
	sink    sink.Sink[T]
	traits  sink.Traits
	writer  sink.Writer[T]
	commits sink.Committer // the writer, if it is one
	joins   sink.Joiner    // the writer, if its sink is transactional
	batch   []sink.Row[T]
	spare   []sink.Row[T]
	full    int   // rows at which the batch is handed over, if the writer is free
	most    int   // rows at which the task waits for the writer
	since   int64 // processing time of the batch's first row; MaxInt64 without
	busy    bool
	jobs    chan func() error
	results chan error
	done    chan struct{}
	pending [][]byte // prepared, to be committed when the checkpoint is durable
	failed  error
	meter   *sinkMeter
	written metrics.Counter
	dropped metrics.Counter
}

// NewSink makes the sink operator of a task.
func NewSink[T any](t *Task, name string, s sink.Sink[T]) flow.Pusher[T] {
	o := &sinkTask[T]{
		task: t, name: name, sink: s, traits: s.Traits(), since: math.MaxInt64,
		jobs: make(chan func() error, 1), results: make(chan error, 1), done: make(chan struct{}),
		written: t.run.cfg.Meter.Counter("rows_written", "operator", name), dropped: t.run.cfg.Meter.Counter("retractions_dropped", "operator", name),
	}
	if o.traits.BatchRows <= 0 {
		o.traits.BatchRows = defaultBatchRows
	}
	o.full, o.most = o.traits.BatchRows, o.traits.BatchRows*max(1, t.run.cfg.SinkBatches)
	o.meter = t.run.writers(name, t.Subtask)
	t.OnOpen(o.open)
	t.OnFlush(o.flush)
	t.OnWake(func() int64 {
		if o.since == math.MaxInt64 || !o.busy {
			return o.since
		}
		return o.since + sinkLinger.Milliseconds()
	}, func(int64) error { return o.hand(false) })
	t.OnSnapshot(o.snapshot)
	t.OnCommitted(o.committed)
	t.OnClose(o.close)
	return o
}

func (o *sinkTask[T]) open(ctx context.Context) error {
	o.task.At = o.name
	var writer sink.Writer[T]
	err := o.task.run.retry(ctx, o.name, sink.IsTemporary, func() (err error) {
		o.task.turn("opens its sink")
		r := o.task.run
		writer, err = o.sink.Open(ctx, sink.Env{
			Job: r.cfg.Job, Operator: o.name, Subtask: o.task.Subtask, Subtasks: r.subtasks(o.name), Restored: r.Restored(), Logger: o.task.Logger,
		})
		return err
	})
	if err != nil {
		return err
	}
	if _, ok := sink.AsTransactional(o.sink); ok && o.task.unit.transactions != nil {
		if o.joins, ok = writer.(sink.Joiner); !ok {
			return errors.Join(fmt.Errorf("sink %s is transactional, but its writer, a %T, joins no transactions", o.sink, writer), writer.Close())
		}
	}
	o.writer = writer
	go o.work()
	if o.joins != nil {
		if err := o.join(ctx, o.task.first); err != nil {
			return err
		}
	}
	c, ok := o.writer.(sink.Committer)
	if !ok {
		return nil
	}
	o.commits = c
	saved := o.task.run.prepared(o.name, o.task.Subtask)
	for _, p := range saved {
		if err := o.do(func() error { return c.Commit(ctx, p) }); err != nil {
			return err
		}
	}
	if !o.task.run.Restored() {
		return nil
	}
	return o.do(func() error { return c.Recover(ctx, saved) })
}

// join makes the rows that follow part of a checkpoint's transaction.
func (o *sinkTask[T]) join(ctx context.Context, checkpoint int64) error {
	t, err := o.task.unit.transactions.of(ctx, checkpoint)
	if err != nil {
		return err
	}
	return o.do(func() error { return o.joins.Join(t) })
}

func (o *sinkTask[T]) key() string { return sinkKey(o.name, o.task.Subtask) }

func sinkKey(name string, subtask int) string { return name + "/" + strconv.Itoa(subtask) }

// writers notes that a sink has a writer in a subtask, and makes what measures it. Once tasks run it is called under mu.
func (r *Run) writers(name string, subtask int) *sinkMeter {
	if r.sinks == nil {
		r.sinks = map[string][]int{}
	}
	r.sinks[name] = append(r.sinks[name], subtask)
	m := &sinkMeter{limiter: r.cfg.Limiter, status: SinkStatus{Operator: name, Subtask: subtask}}
	r.meters = append(r.meters, m)
	return m
}

// subtasks is how many writers a sink has so far.
func (r *Run) subtasks(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sinks[name])
}

// prepared is what the last checkpoint left for a sink's writer to commit: its own, and for the first writer also that of subtasks which are no more.
func (r *Run) prepared(name string, subtask int) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	pending := r.meta.sinks[sinkKey(name, subtask)].Pending
	if subtask != slices.Min(r.sinks[name]) {
		return pending
	}
	for _, key := range slices.Sorted(maps.Keys(r.meta.sinks)) {
		number, mine := strings.CutPrefix(key, name+"/")
		if n, err := strconv.Atoi(number); mine && err == nil && !slices.Contains(r.sinks[name], n) {
			pending = append(pending, r.meta.sinks[key].Pending...)
		}
	}
	return pending
}

// work is the writer's goroutine.
func (o *sinkTask[T]) work() {
	defer close(o.done)
	who := "writer of " + o.key() + " in " + o.task.who
	for job := range o.jobs {
		o.results <- o.task.run.retry(o.task.Ctx, o.name, sink.IsTemporary, func() (err error) {
			o.task.run.turn(who, "has work")
			defer caught(&err)
			return job()
		})
	}
}

// do runs a job on the writer's goroutine and waits for it, after the one under way.
func (o *sinkTask[T]) do(job func() error) error {
	if err := o.settle(); err != nil {
		return err
	}
	o.jobs <- job
	o.busy = true
	return o.settle()
}

// settle waits for the job under way.
func (o *sinkTask[T]) settle() error {
	if !o.busy {
		return o.failed
	}
	o.busy = false
	select {
	case err := <-o.results:
		return o.fail(err)
	default:
	}
	o.task.Blocked(true)
	err := <-o.results
	o.task.Blocked(false)
	return o.fail(err)
}

// fail keeps the first error.
func (o *sinkTask[T]) fail(err error) error {
	if o.failed == nil {
		o.failed = err
	}
	return o.failed
}

func (o *sinkTask[T]) Push(m *flow.Meta, v T) error {
	if m.For == flow.State {
		return nil
	}
	o.task.book.End(m, ledger.Used)
	row := sink.Row[T]{Value: v, Timestamp: m.Timestamp}
	if m.Retract {
		if !o.traits.Upserts {
			o.dropped.Add(1)
			return nil
		}
		row.Op = sink.Delete
	}
	if len(o.batch) == 0 {
		o.since = o.task.Now()
	}
	o.batch = append(o.batch, row)
	if len(o.batch) < o.full || m.More { // a deletion goes with what replaces it
		return nil
	}
	return o.hand(len(o.batch) >= o.most)
}

// flush hands over what there is if the writer is free.
func (o *sinkTask[T]) flush() error { return o.hand(false) }

// hand gives the batch to the writer's goroutine. Without wait it leaves it where the writer is busy.
func (o *sinkTask[T]) hand(wait bool) error {
	o.task.At = o.name
	if o.busy && !wait {
		select {
		case err := <-o.results:
			o.busy = false
			_ = o.fail(err)
		default:
		}
	}
	if len(o.batch) == 0 || o.busy && !wait {
		if o.busy && len(o.batch) > 0 {
			o.since = o.task.Now()
			if len(o.batch) >= o.full { // look again when some more have come
				o.full = min(o.most, len(o.batch)+1+o.traits.BatchRows/8)
			}
		}
		return o.failed
	}
	if err := o.settle(); err != nil {
		return err
	}
	rows := o.batch
	o.batch, o.spare = o.spare[:0], rows
	o.full = o.traits.BatchRows
	o.since = math.MaxInt64
	o.busy = true
	o.jobs <- func() error {
		if err := o.meter.timed(o.task.Clock, len(rows), func() error { return o.writer.Write(o.task.Ctx, rows) }); err != nil {
			return err
		}
		o.written.Add(int64(len(rows)))
		clear(rows)
		return nil
	}
	return nil
}

func (o *sinkTask[T]) snapshot(s *Snapshot) error {
	o.task.At = o.name
	if err := o.hand(true); err != nil {
		return err
	}
	if err := o.settle(); err != nil {
		return err
	}
	if o.joins != nil { // what comes after the barrier belongs to the next checkpoint
		if err := o.join(o.task.Ctx, s.Epoch+1); err != nil {
			return err
		}
	}
	if o.commits == nil {
		return nil
	}
	var pending []byte
	err := o.do(func() (err error) {
		pending, err = o.commits.Prepare(o.task.Ctx, s.Epoch, s.Last)
		return err
	})
	if err != nil {
		return err
	}
	if pending != nil {
		o.pending = append(o.pending, pending)
	}
	set(s.Batch, "sink", o.key(), sinkMeta{o.pending})
	return nil
}

func (o *sinkTask[T]) committed(int64) error {
	pending := o.pending
	o.pending = nil
	for _, p := range pending {
		o.task.At = o.name
		if err := o.do(func() error { return o.commits.Commit(o.task.Ctx, p) }); err != nil {
			return err
		}
	}
	return nil
}

func (o *sinkTask[T]) close() error {
	if o.writer == nil {
		return nil
	}
	_ = o.settle() // what failed has ended the task already
	close(o.jobs)
	<-o.done
	o.task.turn("writer has ended")
	return o.writer.Close()
}
