// Package runtime executes a job: one goroutine per task, lanes between tasks, one commit unit per group of tasks that exchange.
//
// A Run is one attempt, from the last checkpoint to the end, a stop or a failure. It is built from one goroutine (sources and receivers are added, operators
// register with their tasks), then Start lets the goroutines go and Wait collects them. Whatever fails first ends the run; nothing outlives Wait.
package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/metrics"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/state"
)

// Config is what a run needs to know. All fields are set.
type Config struct {
	Job             string
	Clock           clock.Clock
	Logger          *slog.Logger
	Meter           metrics.Meter
	CheckpointEvery time.Duration
	BufferTimeout   time.Duration
	RetryFor        time.Duration
	// CheckpointTimeout is when a checkpoint is late; 0 for never. TolerateFailures is how many checkpoints in a row may be late or fail; -1 for any number.
	CheckpointTimeout time.Duration
	TolerateFailures  int
	NoDrain           bool
	AllowLogCut       bool
	MaxParallelism    int
	TableBytes        int64 // memory for live state, all tasks together; 0 for no bound
	Shapes            []Shape
	// Allow is what state may be dropped, and which operators may begin without.
	Allow Allow
	// Check makes the whole plan, cells of functions too. It is called before anything is dropped.
	Check func(from Scanner) error
	// PartitionLocal says that a key's state is bound to its partition, so that the number of partitions may not change.
	PartitionLocal bool
	// Shared says that the whole process is one commit unit: some tasks exchange.
	Shared bool
	// SinkBatches is how many times its usual size a sink's batch may grow to while its writer is busy; less than 2 for not at all.
	SinkBatches int
	// Limiter paces the sources; nil for no limit.
	Limiter *limit.Limiter
	// Transactional is, by source operator, or under SharedUnit where the run has one unit, the sink that makes the transactions of the units below it; nothing for
	// units without.
	Transactional map[string]sink.Transactional
	// Settled is what Settle returned for this run; nil without transactions.
	Settled *Settled
	Images  ImageConfig
}

// SharedUnit names the commit unit of a run that has only one.
const SharedUnit = "job"

// Run is one attempt at a job.
type Run struct {
	Splits *Splits

	cfg       Config
	store     state.Store
	turns     clock.Turns // nil but in a simulation
	meta      *meta
	numbers   map[string]uint16
	fresh     map[uint16]bool // operators that the state did not know, by number
	reads     map[string]bool // sources of which the state had splits
	slotsMu   sync.Mutex
	slots     map[string][]keyed.Slot // by operator, as its tasks found them
	ctx       context.Context
	cancel    context.CancelCauseFunc
	units     []*unit
	sinks     map[string][]int // the subtasks of each sink's writers
	meters    []*sinkMeter
	images    *imager
	tasks     []*Task
	before    []func()       // run by Start before any task
	after     []func() error // run by Wait when all tasks have ended
	helpers   []func(context.Context)
	group     sync.WaitGroup // tasks and units
	side      sync.WaitGroup // helpers
	stopped   context.CancelFunc
	started   bool
	restored  bool          // the state held a checkpoint
	unsettled atomic.Int32  // what has to come before any unit writes: the start, and the settling of each unit that is there then
	settled   chan struct{} // closed when there is nothing left of that
	accounts  accounts
	mu        sync.Mutex // building, during the run: discovered splits; and units
	served    served     // what can be asked
}

// NewRun reads the state and checks that the job fits it.
func NewRun(cfg Config, store state.Store) (*Run, error) {
	m, err := readMeta(store)
	if err != nil {
		return nil, err
	}
	restored := len(m.splits) > 0
	fits, err := m.fit(&cfg)
	if err != nil {
		return nil, err
	}
	if fits.drops && cfg.Check != nil {
		if err := cfg.Check(store); err != nil {
			return nil, err
		}
	}
	if fits.changes.Len() > 0 {
		if err := store.Commit(&fits.changes); err != nil {
			return nil, err
		}
	}
	if err := m.sweep(store); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &Run{Splits: newSplits(), cfg: cfg, store: store, turns: clock.TurnsOf(cfg.Clock), meta: m, numbers: fits.numbers, fresh: fits.fresh, slots: map[string][]keyed.Slot{}, ctx: ctx, cancel: cancel, restored: restored, reads: map[string]bool{}, settled: make(chan struct{})}
	r.unsettled.Store(1)
	for name := range m.splits {
		r.reads[m.owner(name)] = true
	}
	r.After(cfg.Settled.Close) // the units that no task has come for
	r.images = newImager(r)
	if cfg.Images.Take != nil {
		r.Help(r.images.loop)
	}
	if cfg.Shared {
		r.newUnit(SharedUnit)
	}
	return r, nil
}

// Restored reports whether the state holds an earlier run's checkpoint.
func (r *Run) Restored() bool { return r.restored }

// Finished reports whether an earlier run drained every split that the state knows and the sources have, so that there is nothing to do.
func (r *Run) Finished() bool {
	for _, s := range r.Splits.Status() {
		if !s.Finished {
			return false
		}
	}
	return true
}

// Unsettled reports whether the last checkpoint left rows that a sink may still have to show: a finished job too starts once more to do that.
func (r *Run) Unsettled() bool {
	for _, s := range r.meta.sinks {
		if len(s.Pending) > 0 {
			return true
		}
	}
	return false
}

// Number is the number of an operator in the state.
func (r *Run) Number(uid string) uint16 { return r.numbers[uid] }

// Meter is where the run counts.
func (r *Run) Meter() metrics.Meter { return r.cfg.Meter }

func (r *Run) newTask(name string, subtask int, isSource bool) *Task {
	t := &Task{
		Name: name, Subtask: subtask, Ctx: r.ctx, Clock: r.cfg.Clock, Logger: r.cfg.Logger.With("operator", name, "subtask", subtask),
		run: r, id: len(r.tasks), who: name + "/" + strconv.Itoa(subtask), source: isSource, command: make(chan command, 8),
		shares: shares{clock: r.cfg.Clock}, pauses: pauses{clock: r.cfg.Clock}, asked: newAsked(),
	}
	if r.cfg.Shared {
		t.unit = r.units[0]
	} else {
		t.unit = r.newUnit(fmt.Sprintf("%s/%d", name, subtask))
	}
	r.tasks = append(r.tasks, t)
	return t
}

// launch gives a task its loop; before Start it is started with the others, later at once.
func (r *Run) launch(t *Task, loop func() error) {
	t.loop = loop
	if r.started && r.cfg.Shared {
		r.share()
		r.group.Go(func() { r.join(t) })
		return
	}
	t.unit.add(t)
	if !r.started {
		return
	}
	r.share()
	r.goTask(t)
	r.goUnit(t.unit)
}

// join hands a discovered task to its unit, which starts it between checkpoints.
func (r *Run) join(t *Task) {
	select {
	case t.unit.added <- t:
	case <-t.unit.done: // the job stops without it
	case <-r.ctx.Done():
	}
}

// share divides the memory for live state among the tables.
func (r *Run) share() {
	if r.cfg.TableBytes == 0 {
		return
	}
	n := 0
	for _, t := range r.tasks {
		n += len(t.stores)
	}
	for _, t := range r.tasks {
		for _, s := range t.stores {
			s.SetBudget(max(1, r.cfg.TableBytes/int64(n)))
		}
	}
}

// Start lets the tasks go.
func (r *Run) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = true
	for _, f := range r.before {
		f()
	}
	r.share()
	r.settle()
	for _, t := range r.tasks {
		r.goTask(t)
	}
	for _, u := range r.units {
		r.goUnit(u)
	}
	ctx, stop := context.WithCancel(r.ctx)
	r.stopped = stop
	for _, h := range r.helpers {
		r.side.Go(func() { h(ctx) })
	}
}

// settle takes away one of what units wait for before they write.
func (r *Run) settle() {
	if r.unsettled.Add(-1) == 0 {
		close(r.settled)
	}
}

func (r *Run) goTask(t *Task) {
	r.group.Go(func() {
		t.turn("begins")
		t.shares.begin()
		defer t.shares.end()
		err := t.start()
		if err == nil {
			r.served.begun(t)
			err = t.loop()
		}
		if e := t.stop(); err == nil {
			err = e
		}
		if err != nil {
			r.cancel(err)
		}
		t.asked.end(err)
	})
}

func (r *Run) goUnit(u *unit) {
	r.group.Go(func() {
		u.turn("begins")
		if err := u.loop(r.ctx); err != nil {
			r.cancel(err)
		}
	})
}

// Wait waits for the end and gives everything back. The error is what ended the run, nil after a stop or the end of input.
func (r *Run) Wait() error {
	r.group.Wait()
	r.turn("job", "tasks have ended")
	r.stopped()
	r.side.Wait()
	r.turn("job", "helpers have ended")
	cause := context.Cause(r.ctx)
	r.cancel(context.Canceled)
	r.group.Wait() // a split found in the last moment waits for a unit that has gone
	var first error
	for i := len(r.after) - 1; i >= 0; i-- {
		if err := r.after[i](); err != nil && first == nil {
			first = err
		}
	}
	if cause != nil {
		return cause
	}
	return first
}

// Abandon gives back what was opened for a run that is not started.
func (r *Run) Abandon(err error) {
	r.cancel(err)
	for i := len(r.after) - 1; i >= 0; i-- {
		_ = r.after[i]()
	}
}

// Checkpoint asks for a checkpoint now, or after the one under way.
func (r *Run) Checkpoint() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.units {
		u.demand()
	}
}

// Stop asks for a checkpoint after which nothing more is read; open windows stay in the state.
func (r *Run) Stop() { r.ask(func(u *unit) chan struct{} { return u.stop }) }

// Drain asks for the end of input: windows fire and the job is finished.
func (r *Run) Drain() { r.ask(func(u *unit) chan struct{} { return u.drain }) }

func (r *Run) ask(c func(*unit) chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.units {
		select {
		case c(u) <- struct{}{}:
		default:
		}
	}
}

// Fail ends the run with an error.
func (r *Run) Fail(err error) { r.cancel(err) }

// Help runs f beside the tasks until they have ended or the run is given up.
func (r *Run) Help(f func(ctx context.Context)) { r.helpers = append(r.helpers, f) }

// After has f called when all tasks have ended, last registered first.
func (r *Run) After(f func() error) { r.after = append(r.after, f) }

// StateStats adds up what the tables of all tasks did. It is only exact after Wait.
func (r *Run) StateStats() (t keyed.Stats) {
	for _, task := range r.tasks {
		for _, s := range task.stores {
			st := s.Stats()
			t.Entries += st.Entries
			t.Reads += st.Reads
			t.Misses += st.Misses
			t.Evictions += st.Evictions
			t.EstimatedBytes += st.EstimatedBytes
		}
	}
	return t
}
