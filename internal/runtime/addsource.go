package runtime

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/watermark"
)

// AddSource opens a source and makes a task for each of its splits.
func AddSource[T any](ctx context.Context, r *Run, cfg *SourceConfig[T]) error {
	var session source.Session[T]
	err := r.retry(ctx, cfg.Name, source.IsTemporary, func() (err error) {
		session, err = cfg.Source.Open(ctx, source.Env{Job: r.cfg.Job, Operator: cfg.Name, Logger: r.cfg.Logger.With("operator", cfg.Name), Reuse: cfg.Reuse})
		return err
	})
	if err != nil {
		return &OperatorError{Operator: cfg.Name, Err: err}
	}
	r.After(session.Close)
	splits, err := listSplits(ctx, r, cfg.Name, session)
	if err != nil {
		return &OperatorError{Operator: cfg.Name, Err: err}
	}
	if len(splits) == 0 {
		return &OperatorError{Operator: cfg.Name, Err: fmt.Errorf("%s has nothing to read: no splits", cfg.Source)}
	}
	listed := map[string]bool{}
	var committer *committer
	if c, ok := session.(source.Committer); ok {
		committer = newCommitter(r, cfg.Name, c)
		r.Help(committer.loop)
	}
	for _, sp := range splits {
		listed[sp.ID] = true
		if err := addSplit(ctx, r, cfg, session, committer, sp); err != nil {
			return err
		}
	}
	for name := range r.meta.splits {
		if id, mine := strings.CutPrefix(name, splitKey(cfg.Name, "")); mine && !listed[id] {
			return &OperatorError{Operator: cfg.Name, Err: fmt.Errorf("split %s is in the state, but %s no longer has it", id, cfg.Source)}
		}
	}
	if d, ok := session.(source.Discoverer); ok && d.DiscoveryInterval() > 0 {
		r.Help(func(ctx context.Context) {
			discover(ctx, r, cfg, session, committer, time.Duration(d.DiscoveryInterval()), listed)
		})
	}
	return nil
}

func listSplits[T any](ctx context.Context, r *Run, name string, s source.Session[T]) (splits []source.Split, err error) {
	err = r.retry(ctx, name, source.IsTemporary, func() error {
		splits, err = s.Splits(ctx)
		return err
	})
	return splits, err
}

// resume is where a split goes on: as the state has it, or at its start. It checks that the split is still the one that was read, and moves its stop to where an
// interrupted run was to end.
func (r *Run) resume(operator string, sp *source.Split) (splitMeta, error) {
	key := splitKey(operator, sp.ID)
	saved, known := r.meta.splits[key]
	if !known {
		saved = splitMeta{Number: r.nextSplit(), Position: sp.Start, Watermark: math.MinInt64}
		if r.reads[operator] { // the split is new, not the source
			saved.Position = sp.Earliest
		}
		saved.First = &firstMeta{sp.Earliest, max(sp.Earliest, saved.Position)}
		r.meta.splits[key] = saved
		return saved, nil
	}
	if saved.Incarnation != "" && sp.Incarnation != "" && saved.Incarnation != sp.Incarnation {
		return saved, fmt.Errorf("%w: %s was deleted and made again since the state was written (%s, now %s), so positions mean other records; start a new group",
			ErrShape, sp.Topic, saved.Incarnation, sp.Incarnation)
	}
	if saved.Finished {
		sp.Stop = max(sp.Stop, saved.Position)
	} else if sp.Stop != source.Unbounded && saved.Stop != source.Unbounded && saved.Position < saved.Stop {
		sp.Stop = saved.Stop
	}
	if r.cfg.PartitionLocal && saved.Partitions != sp.Partitions {
		return saved, fmt.Errorf("%w: %s had %d partitions when the state was written and has %d now, so keys are elsewhere; start a new group, or use KeyBy in place of KeyByPartition",
			ErrShape, sp.Topic, saved.Partitions, sp.Partitions)
	}
	return saved, nil
}

func splitKey(operator, id string) string { return operator + "/" + id }

// addSplit makes the task of a split, where the restored job left it.
func addSplit[T any](ctx context.Context, r *Run, cfg *SourceConfig[T], session source.Session[T], committer *committer, sp source.Split) error {
	saved, err := r.resume(cfg.Name, &sp)
	skipped := false
	if err == nil {
		skipped, err = r.checkCut(cfg.Name, &sp, &saved)
	}
	if err != nil {
		return &OperatorError{Operator: cfg.Name, Err: err}
	}
	guard := cfg.Strategy.FutureGuard
	if guard == 0 {
		guard = watermark.DefaultFutureGuard
	}
	split := &Split{Split: sp, Operator: cfg.Name, Number: saved.Number, first: saved.first(), begun: saved.Position, drift: drift(cfg)}
	split.logEnd.Store(-1)
	split.partial.Store(math.MinInt64)
	if saved.Partial != nil {
		r.Splits.begunAt(split, *saved.Partial)
	}
	split.position.Store(saved.Position)
	split.watermark.Store(saved.Watermark)
	split.finished.Store(saved.Finished)
	r.Splits.add(split)
	r.opened(split)

	t := r.newTask(cfg.Name, int(saved.Number), true)
	t.At = cfg.Name
	s := &sourceTask[T]{
		cfg: cfg, task: t, split: split, session: session, stamp: cfg.Strategy.Timestamp, guardMs: guard.Milliseconds(),
		fetched: make(chan reading[T], 1), watermark: saved.Watermark, position: saved.Position,
		in: r.cfg.Meter.Counter("records_in", "operator", cfg.Name), skipped: r.cfg.Meter.Counter("undecodable", "operator", cfg.Name),
		held: r.cfg.Meter.Counter("quarantined", "operator", cfg.Name),
	}
	if guard < 0 {
		s.guardMs = math.MaxInt64
	}
	s.meta.Split = split.Number
	s.midLog = skipped || saved.Watermark == math.MinInt64 && saved.Position > sp.Earliest
	if cfg.Strategy.New != nil {
		s.generate = cfg.Strategy.New()
	}
	t.split = split
	s.SourceChain = cfg.Build(t)
	var delivered int64
	t.OnSnapshot(func(c *Snapshot) error {
		delivered = s.position
		var partial *int64
		if p := split.Partial(); p != math.MinInt64 {
			partial = &p
		}
		set(c.Batch, "split", splitKey(cfg.Name, sp.ID), splitMeta{
			Number: split.Number, Position: s.position, Stop: sp.Stop, Watermark: s.watermark, Partitions: sp.Partitions,
			Finished: s.watermark == math.MaxInt64, Incarnation: sp.Incarnation, Partial: partial, First: saved.First,
		})
		return nil
	})
	if committer != nil {
		t.OnCommitted(func(int64) error { committer.set(sp.ID, delivered); return nil })
	}
	if saved.Finished {
		if err := s.refuse(ctx); err != nil {
			return &OperatorError{Operator: cfg.Name, Split: sp.ID, Offset: saved.Position, Err: err}
		}
	}
	r.launch(t, s.loop)
	return nil
}

// drift is how far, in milliseconds, a source's splits may run ahead of the slowest; negative for no limit.
func drift[T any](cfg *SourceConfig[T]) int64 {
	d := cfg.Strategy.MaxDrift
	switch {
	case d < 0 || d == 0 && !cfg.Aligned:
		return -1
	case d == 0:
		d = watermark.DefaultMaxDrift
	}
	return d.Milliseconds()
}

func (r *Run) nextSplit() int32 {
	next := int32(0)
	for _, s := range r.meta.splits {
		next = max(next, s.Number+1)
	}
	return next
}

// discover looks for new splits while the job runs.
func discover[T any](ctx context.Context, r *Run, cfg *SourceConfig[T], session source.Session[T], c *committer, every time.Duration, listed map[string]bool) {
	for sleep(ctx, r.cfg.Clock, every) {
		if r.turns != nil {
			r.turn("discovery of "+cfg.Name, "looks for splits")
		}
		splits, err := session.Splits(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.cfg.Logger.Warn("looking for new splits", "operator", cfg.Name, "err", err)
			}
			continue
		}
		for _, sp := range splits {
			if listed[sp.ID] {
				continue
			}
			listed[sp.ID] = true
			if r.cfg.PartitionLocal {
				r.Fail(&OperatorError{Operator: cfg.Name, Err: fmt.Errorf("%w: %s has a new split %s, which moves keys of a partition-local job; start a new group, or use KeyBy in place of KeyByPartition", ErrShape, cfg.Source, sp.ID)})
				return
			}
			r.cfg.Logger.Info("new split", "operator", cfg.Name, "split", sp.ID)
			r.mu.Lock()
			err := addSplit(ctx, r, cfg, session, c, sp)
			r.mu.Unlock()
			if err != nil {
				r.Fail(err)
				return
			}
		}
	}
}

func sleep(ctx context.Context, c clock.Clock, d time.Duration) bool {
	ring, stop := c.After(d)
	defer stop()
	select {
	case <-ring:
		return true
	case <-ctx.Done():
		return false
	}
}

// committer tells a source what has been checkpointed, the newest positions only, beside the tasks: a slow broker does not slow them.
type committer struct {
	run    *Run
	name   string
	source source.Committer
	mu     sync.Mutex
	fresh  map[string]int64
	wake   chan struct{}
}

func newCommitter(r *Run, name string, c source.Committer) *committer {
	return &committer{run: r, name: name, source: c, fresh: map[string]int64{}, wake: make(chan struct{}, 1)}
}

func (c *committer) set(split string, position int64) {
	c.mu.Lock()
	c.fresh[split] = position
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// lastCommit bounds how long one telling takes, and so how long the end of a job waits for the last.
const lastCommit = 5 * time.Second

func (c *committer) loop(ctx context.Context) {
	for {
		select {
		case <-c.wake:
			c.turn()
			c.tell(ctx)
		case <-ctx.Done():
			c.turn()
			c.tell(ctx)
			return
		}
	}
}

// tell is not cut short by the end of the job: positions under way would be lost.
func (c *committer) tell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
	defer cancel()
	c.mu.Lock()
	fresh := maps.Clone(c.fresh)
	clear(c.fresh)
	c.mu.Unlock()
	if len(fresh) == 0 {
		return
	}
	if err := c.source.Commit(ctx, fresh); err != nil {
		c.run.cfg.Meter.Counter("offset_commits_failed", "operator", c.name).Add(1)
		c.run.cfg.Logger.Warn("committing offsets for monitoring", "operator", c.name, "err", err)
	}
}

// Split is the split of a source's task, nil behind an exchange. Its number is what records carry.
func (t *Task) Split() *Split { return t.split }
