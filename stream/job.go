package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace/millrace/internal/gcfloor"
	"github.com/millrace/millrace/internal/metrics"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
)

// Job is a graph of operators and what runs it. It is built from one goroutine; Run, Drain, Status and Counters are safe for concurrent use.
type Job struct {
	name     string
	cfg      config
	nodes    []*node
	uids     map[string]*node
	local    bool // a stream is keyed by partition
	windows  []openWindow
	problems []error
	warnings []string

	prepare   []func(*runtime.Run)                        // make a run's exchanges
	sources   []func(context.Context, *runtime.Run) error // then its tasks
	receivers []func(*runtime.Run)

	mu      sync.Mutex
	running bool
	run     *runtime.Run // the current attempt
	last    StateStats
	asked   chan struct{} // closed by a request to stop; nil when no run takes any
	request *stopRequest
	shown   shown
}

// NewJob starts a graph. The name is part of the job's saved state.
func NewJob(name string, opts ...JobOption) *Job {
	j := &Job{name: name, cfg: defaults(), uids: map[string]*node{}}
	for _, o := range opts {
		o.applyJob(&j.cfg)
	}
	if j.cfg.backend == nil {
		if j.cfg.stateDir == "" {
			j.cfg.backend = memorystate.Backend()
		} else {
			j.cfg.backend = pebblestate.Backend()
		}
	}
	return j
}

// openWindow is a WindowedStream, which has to be used.
type openWindow struct {
	of    *node
	rule  string
	stand *node
}

func (j *Job) warn(n *node, text string) {
	j.warnings = append(j.warnings, fmt.Sprintf("%s %q: %s", n.kind, n.uid, text))
}

// exchanges is the number of places where tasks exchange records.
func (j *Job) exchanges() (count int) {
	for _, n := range j.nodes {
		for _, in := range n.inputs {
			if in.ship != forward {
				count++
			}
		}
	}
	return count
}

// check is all that is wrong with the job, or nil.
func (j *Job) check() error {
	problems := j.problems
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, w := range j.windows {
		if w.stand.alias == nil {
			add("the windows (%s) of %q are not used: say what comes out of them by Process, Aggregate or Reduce", w.rule, w.of.uid)
		}
	}
	c := &j.cfg
	if j.name == "" {
		add("the job has no name")
	}
	if len(j.sources) == 0 {
		add("the job has no source: begin with stream.From")
	}
	if c.checkpointEvery <= 0 {
		add("CheckpointEvery: %s is not a time between checkpoints%s", c.checkpointEvery, j.forExactlyOnce())
	}
	if c.parallelism < 1 || c.parallelism > c.maxParallelism {
		add("DefaultParallelism: %d is not between 1 and MaxParallelism, %d", c.parallelism, c.maxParallelism)
	}
	if c.maxParallelism < 1 || c.maxParallelism > 32768 {
		add("MaxParallelism: %d is not between 1 and 32768", c.maxParallelism)
	}
	if c.batchSize < 1 {
		add("BatchSize: %d records make no batch", c.batchSize)
	}
	if c.sinkBatches < 1 || c.sinkBatches > 1000 {
		add("SinkBatches: %d is not between 1 and 1000", c.sinkBatches)
	}
	if c.memory < 1<<20 {
		add("MemoryBudget: %d bytes are not enough to work with; the least is 1 MiB", c.memory)
	}
	if err := c.restart.validate(); err != nil {
		add("%w", err)
	}
	problems = append(problems, j.checkTransactions()...)
	j.checkSavepoints(add)
	if c.timeout < 0 {
		add("CheckpointTimeout: %s is not a time", c.timeout)
	}
	if c.keeper != nil {
		if err := c.keeper.Validate(); err != nil {
			add("%w", err)
		}
		if c.stateDir == "" {
			add("Checkpoints: the state lives in memory; give the job a StateDir")
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("job %q: %w", j.name, errors.Join(problems...))
}

// Run runs the job until its input ends, ctx is done, or it fails and its restart strategy gives up.
//
// When ctx is done the job stops in order: it takes a last checkpoint, writes what waits in its sinks, and Run returns nil; open windows stay in the
// state and a later Run goes on with them. At the end of bounded input windows fire, the state is marked finished, and Run returns nil; running a finished
// job again does nothing, or returns ErrFinished if there is new input.
func (j *Job) Run(ctx context.Context) error {
	if err := j.check(); err != nil {
		return err
	}
	j.mu.Lock()
	if j.running {
		j.mu.Unlock()
		return ErrRunning
	}
	j.running = true
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		j.running = false
		j.mu.Unlock()
		j.answer()
	}()
	for _, w := range j.warnings {
		j.cfg.logger.Warn(w, "job", j.name)
	}
	gcfloor.Raise(share(j.cfg.memory).headroom)
	if err := j.prepareState(); err != nil {
		return err
	}
	store, err := j.openState()
	if err != nil {
		return fmt.Errorf("job %q: %w", j.name, err)
	}
	j.takeRequests()
	return j.attempts(ctx, store)
}

func (j *Job) openState() (state.Store, error) {
	store, err := j.cfg.backend.Open(j.cfg.stateDir, share(j.cfg.memory).store)
	if err != nil {
		return nil, fmt.Errorf("state directory %q: %w", j.cfg.stateDir, err)
	}
	return store, nil
}

// attempts runs the job as often as its restart strategy says, writes the savepoints that were asked for, and closes the store. A store with a directory is opened anew for each attempt: one that has failed is mended by nothing else.
func (j *Job) attempts(ctx context.Context, store state.Store) (err error) {
	defer func() {
		err = j.ended(store, err)
		if store == nil {
			return
		}
		if e := store.Close(); err == nil && e != nil {
			err = fmt.Errorf("job %q: closing the state: %w", j.name, e)
		}
	}()
	failures := 0
	for {
		begun := j.cfg.clock.Now()
		if store == nil {
			store, err = j.openState()
		}
		if err == nil {
			err = j.attempt(ctx, store)
		}
		if err == nil {
			return nil
		}
		if calm := j.cfg.restart.calm; calm > 0 && j.cfg.clock.Now().Sub(begun) >= calm {
			failures = 0
		}
		failures++
		delay, again := j.cfg.restart.next(failures)
		if !again || final(err) || ctx.Err() != nil {
			return fmt.Errorf("job %q: %w", j.name, err)
		}
		j.cfg.logger.Error("the job failed and starts again from its last checkpoint", "job", j.name, "err", err, "restart", failures, "in", delay)
		j.cfg.meter.Counter("restarts").Add(1)
		ring, stop := j.cfg.clock.After(delay)
		select {
		case <-ring:
		case <-ctx.Done():
			stop()
			return fmt.Errorf("job %q: %w", j.name, err)
		}
		err = nil
		if store != nil && j.cfg.stateDir != "" {
			if e := store.Close(); e != nil {
				j.cfg.logger.Warn("closing the state before it is opened again", "job", j.name, "err", e)
			}
			store = nil
		}
	}
}

// final reports whether an error would come back however often the job starts again.
func final(err error) bool {
	var undecodable *source.DecodeError
	return errors.Is(err, ErrShape) || errors.Is(err, ErrFinished) || errors.Is(err, ErrLogCut) || errors.Is(err, ErrStopTimeout) || errors.Is(err, ErrUnbalanced) ||
		errors.Is(err, ErrUnsettled) || errors.Is(err, sink.ErrFenced) || errors.Is(err, state.ErrCorrupt) ||
		errors.As(err, &undecodable) && !source.IsTemporary(err)
}

// attempt is one run from the last checkpoint on.
func (j *Job) attempt(ctx context.Context, store state.Store) error {
	r, err := j.build(ctx, store)
	if err != nil {
		return err
	}
	if r.Finished() && !r.Unsettled() {
		r.Abandon(context.Canceled)
		j.keep(r)
		j.cfg.logger.Info("the job is finished and there is no new input", "job", j.name)
		return nil
	}
	j.keep(r)
	j.cfg.logger.Info("started", "job", j.name, "splits", len(r.Splits.Status()), "restored", r.Restored())
	if j.cfg.statusEvery > 0 {
		r.Help(func(ctx context.Context) { j.report(ctx, r) })
	}
	if j.cfg.started != nil {
		j.cfg.started(r)
	}
	r.Start()
	ended := make(chan struct{})
	stopper := make(chan struct{})
	go func() {
		defer close(stopper)
		j.stopWith(ctx, r, ended)
	}()
	err = r.Wait()
	close(ended)
	<-stopper
	j.mu.Lock()
	j.last = stateStats(r)
	j.mu.Unlock()
	if err == nil {
		l := r.Ledger()
		err = l.Balanced()
		j.cfg.logger.Info("ended", "job", j.name, "finished", r.Finished(), "records", recordsRead(r), "ledger", l.Total().String())
	}
	return err
}

// keep makes r the run that Status and Drain speak of.
func (j *Job) keep(r *runtime.Run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.run = r
}

// stopWith stops the run in order when ctx is done, and gives it up when that takes too long.
func (j *Job) stopWith(ctx context.Context, r *runtime.Run, ended <-chan struct{}) {
	if !j.stopIn(ctx, r, ended) {
		return
	}
	ring, stop := j.cfg.clock.After(j.cfg.stopTimeout)
	defer stop()
	select {
	case <-ended:
	case <-ring:
		r.Fail(fmt.Errorf("%w (%s); the state is that of the last checkpoint", ErrStopTimeout, j.cfg.stopTimeout))
	}
}

func (j *Job) build(ctx context.Context, store state.Store) (*runtime.Run, error) {
	cfg := j.runConfig()
	var err error
	if cfg.Settled, err = runtime.Settle(ctx, cfg, store); err != nil {
		return nil, err
	}
	r, err := runtime.NewRun(cfg, store)
	if err != nil {
		return nil, errors.Join(err, cfg.Settled.Close())
	}
	for _, f := range j.prepare {
		f(r)
	}
	for _, f := range j.receivers {
		f(r)
	}
	for _, f := range j.sources {
		if err := f(ctx, r); err != nil {
			r.Abandon(err)
			return nil, err
		}
	}
	return r, nil
}

func (j *Job) runConfig() runtime.Config {
	var shapes []runtime.Shape
	for _, n := range j.nodes {
		if n.shape != "" {
			shapes = append(shapes, runtime.Shape{UID: n.uid, Definition: n.shape, Keyed: n.keeps, Declare: n.declare})
		}
	}
	c := &j.cfg
	exact, _ := j.transactional() // check has seen to the error
	return runtime.Config{
		Job: j.name, Clock: c.clock, Logger: c.logger.With("job", j.name), Meter: c.meter, CheckpointEvery: c.checkpointEvery, BufferTimeout: c.bufferTimeout,
		RetryFor: c.retryFor, CheckpointTimeout: c.timeout, TolerateFailures: c.tolerate, NoDrain: c.noDrain, AllowLogCut: c.allowLogCut, MaxParallelism: c.maxParallelism, TableBytes: share(c.memory).table, Shapes: shapes,
		PartitionLocal: j.local, Shared: j.exchanges() > 0, Allow: c.allow, Check: j.checkState, Limiter: c.limiter, SinkBatches: c.sinkBatches, Transactional: exact,
		Images: c.images(),
	}
}

// Drain ends the input where it is: windows fire, the state is marked finished, and Run returns. It does nothing when the job is not running.
func (j *Job) Drain() {
	j.mu.Lock()
	r := j.run
	j.mu.Unlock()
	if r != nil {
		r.Drain()
	}
}

// Sample is one counter's value.
type Sample = metrics.Sample

// Counters lists the job's counters, over all its runs in this process.
func (j *Job) Counters() []Sample { return j.cfg.memoryMeter.Samples() }

// Count is the sum of a counter over all operators: "late", "rows_written". Of "records_in" it counts a record once for each task that took it in.
func (j *Job) Count(name string) int64 { return j.cfg.memoryMeter.Total(name) }
