package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/state"
)

// What goes wrong with a checkpoint does not touch the stream. One that is late is waited for: its barrier is on its way in the lanes, where a later one could not overtake it. A commit that
// failed is tried again with the same batch, which the store has whole or not at all, while tasks go on. What ends the attempt: a store that has failed for good, as only opening it
// again shows what it holds; a commit that could not be made for RetryFor, since what waits to become durable stays in memory; and more failures in a row than the job tolerates.

// ErrCheckpoint is wrapped when checkpoints failed more often in a row than the job tolerates.
var ErrCheckpoint = errors.New("too many checkpoints failed in a row")

// CheckpointStatus is how the checkpoints of a commit unit fare.
type CheckpointStatus struct {
	Unit string // "job", or the operator and number of a partition
	// Completed are those that became durable; Failed are commits that failed and were tried again; Late are times that a checkpoint was not complete within the timeout.
	Completed, Failed, Late int64
	// Number is the last durable one's, Durable when that was, Took the time from its barrier until then, Bytes and Writes what it wrote.
	Number        int64
	Durable       time.Time
	Took          time.Duration
	Bytes, Writes int64
	// Began is when the one under way began, zero without; Waiting names the tasks that it waited for when it was last found late.
	Began   time.Time
	Waiting []string
	// LastError is the last commit's, nil after one that succeeded.
	LastError error
}

// health is what a unit knows of its checkpoints.
type health struct {
	late     <-chan time.Time // rings when the checkpoint under way is late; nil without one
	stopLate func()
	failures int // in a row

	mu     sync.Mutex
	status CheckpointStatus
}

// begun notes that a barrier was sent.
func (u *unit) begun() {
	cfg := &u.run.cfg
	u.health.note(func(s *CheckpointStatus) { s.Began, s.Waiting = cfg.Clock.Now(), nil })
	u.health.arm(cfg)
}

func (h *health) arm(cfg *Config) {
	h.disarm()
	if cfg.CheckpointTimeout > 0 {
		h.late, h.stopLate = cfg.Clock.After(cfg.CheckpointTimeout)
	}
}

func (h *health) disarm() {
	if h.stopLate != nil {
		h.stopLate()
	}
	h.late, h.stopLate = nil, nil
}

func (h *health) note(f func(*CheckpointStatus)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.status)
}

// overdue counts a checkpoint that is late, and says whom it waits for.
func (u *unit) overdue(c *checkpoint.Coordinator) error {
	cfg := &u.run.cfg
	var waiting []string
	for _, id := range c.Waiting() {
		waiting = append(waiting, fmt.Sprintf("%s/%d", u.tasks[id].Name, u.tasks[id].Subtask))
	}
	slices.Sort(waiting)
	u.health.note(func(s *CheckpointStatus) {
		s.Late++
		s.Waiting = waiting
	})
	cfg.Meter.Counter("checkpoints_late", "unit", u.name).Add(1)
	cfg.Logger.Warn("a checkpoint is late; the job goes on and waits for it", "unit", u.name, "after", cfg.CheckpointTimeout, "waits for", waiting)
	u.health.arm(cfg)
	return u.failed(fmt.Errorf("a checkpoint of %s is not complete after %s", u.name, cfg.CheckpointTimeout))
}

// failed counts a failure and reports when it is one too many.
func (u *unit) failed(err error) error {
	u.health.failures++
	if most := u.run.cfg.TolerateFailures; most >= 0 && u.health.failures > most {
		return fmt.Errorf("%w (%d): %w", ErrCheckpoint, u.health.failures, err)
	}
	return nil
}

// persist makes a checkpoint durable, with its transaction where the unit has one.
func (u *unit) persist(ctx context.Context, epoch int64, batch *state.Batch) error {
	u.health.disarm()
	commit := func(b *state.Batch) error { return u.commitToStore(ctx, epoch, b) }
	var err error
	if u.transactions != nil {
		err = u.transactions.commit(ctx, epoch, batch, commit)
	} else {
		err = commit(batch)
	}
	if err == nil {
		u.durable(epoch, batch)
	}
	return err
}

// commitToStore commits a batch and tries again what may mend.
func (u *unit) commitToStore(ctx context.Context, epoch int64, batch *state.Batch) error {
	cfg := &u.run.cfg
	var since time.Time
	for delay := retryFirst; ; delay = min(2*delay, retryMost) {
		err := u.run.store.Commit(batch)
		u.health.note(func(s *CheckpointStatus) { s.LastError = err })
		if err == nil {
			return nil
		}
		u.health.note(func(s *CheckpointStatus) { s.Failed++ })
		cfg.Meter.Counter("checkpoints_failed", "unit", u.name).Add(1)
		now := cfg.Clock.Now()
		if since.IsZero() {
			since = now
		}
		if errors.Is(err, state.ErrFailed) || errors.Is(err, state.ErrCorrupt) || ctx.Err() != nil {
			return err
		}
		if now.Sub(since) >= cfg.RetryFor {
			return fmt.Errorf("gave up after %s of retries: %w", now.Sub(since).Round(time.Second), err)
		}
		if err := u.failed(err); err != nil {
			return err
		}
		cfg.Logger.Error("a checkpoint could not be committed; the job goes on, and it is tried again", "unit", u.name, "number", epoch, "in", delay, "err", err)
		ring, stop := cfg.Clock.After(delay)
		select {
		case <-ring:
		case <-ctx.Done():
			stop()
			return err
		}
	}
}

// durable notes a checkpoint that is.
func (u *unit) durable(epoch int64, batch *state.Batch) {
	u.health.failures = 0
	now := u.run.cfg.Clock.Now()
	u.health.note(func(s *CheckpointStatus) {
		s.Completed++
		s.Number, s.Durable, s.Took, s.Bytes, s.Writes = epoch, now, now.Sub(s.Began), batch.Bytes(), int64(batch.Len())
		s.Began, s.Waiting = time.Time{}, nil
	})
}

// Checkpoints tells how the checkpoints of each commit unit fare. It is safe for concurrent use.
func (r *Run) Checkpoints() []CheckpointStatus {
	r.mu.Lock()
	units := slices.Clone(r.units)
	r.mu.Unlock()
	list := make([]CheckpointStatus, len(units))
	for i, u := range units {
		u.health.note(func(s *CheckpointStatus) { list[i] = *s })
		list[i].Unit = u.name
	}
	return list
}
