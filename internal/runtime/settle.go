package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/state"
)

// ErrUnsettled is returned when the state and what a transactional sink has committed do not belong together.
var ErrUnsettled = errors.New("the state does not go with what the sink has committed")

// Settled are the units whose transactions of earlier runs are settled. The zero value is none.
type Settled struct{ units map[string]*settled }

type settled struct {
	transactor sink.Transactor
	applied    string
}

// take hands a unit's over; nil for a unit that is not there.
func (s *Settled) take(unit string) *settled {
	if s == nil {
		return nil
	}
	u := s.units[unit]
	delete(s.units, unit)
	return u
}

// Close gives back what no run took.
func (s *Settled) Close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, unit := range slices.Sorted(maps.Keys(s.units)) {
		errs = append(errs, s.take(unit).transactor.Close())
	}
	return errors.Join(errs...)
}

// transactional is the sink that makes a unit's transactors; nil for a unit without. The units of another shape of the same job are asked for too: those that another
// run left with a transaction under way.
func (c *Config) transactional(unit string) sink.Transactional {
	if c.Shared {
		return c.Transactional[SharedUnit]
	}
	head := unit
	if i := strings.LastIndexByte(unit, '/'); i >= 0 {
		head = unit[:i]
	}
	return c.Transactional[head]
}

// Settle ends what earlier runs of the job left of transactions, in the sinks' systems and in the state, and must be done before a run reads the state: a checkpoint
// that was pending is applied, if its transaction was committed, or dropped. What it returns goes into the run's Config.
func Settle(ctx context.Context, cfg Config, store state.Store) (*Settled, error) {
	m, err := readMeta(store)
	if err != nil {
		return nil, err
	}
	s := &Settled{units: map[string]*settled{}}
	if m.job == nil || m.job.Job != cfg.Job || m.job.Format != formatVersion {
		return s, nil // the run will say so
	}
	for _, unit := range slices.Sorted(maps.Keys(m.transactions)) {
		entry := m.transactions[unit]
		if cfg.transactional(unit) == nil {
			if entry.Pending != "" {
				err = fmt.Errorf("%w: %s was stopped while it committed checkpoint %d, and the job no longer has the sink that can tell whether it was committed; start it once with the exactly-once sink that it had",
					ErrUnsettled, unit, entry.Checkpoint)
				break
			}
			continue
		}
		if s.units[unit], err = cfg.settle(ctx, store, unit, &entry); err != nil {
			delete(s.units, unit)
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// settle makes a unit's transactor and brings state and system together. entry is nil for a unit that the state does not know.
func (c *Config) settle(ctx context.Context, store state.Store, unit string, entry *transactionMeta) (_ *settled, err error) {
	s := &settled{}
	logger := c.Logger.With("unit", unit)
	err = c.retry(ctx, unit, sink.IsTemporary, func() (err error) {
		s.transactor, err = c.transactional(unit).Transactor(ctx, sink.TransactorEnv{Job: c.Job, Unit: unit, CheckpointEvery: c.CheckpointEvery, Logger: logger})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("transactions of %s: %w", unit, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("transactions of %s: %w", unit, err), s.transactor.Close())
		}
	}()
	var marker string
	err = c.retry(ctx, unit, sink.IsTemporary, func() (err error) {
		marker, err = s.transactor.Settle(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if entry == nil {
		if marker != "" {
			return nil, fmt.Errorf("%w: the state knows of no transaction, and the sink's system has marker %s: an earlier run of the job, which had other state or was copied before its first checkpoint, has committed rows, which would be written once more; "+
				"start from the newest state, or a new group and replay", ErrUnsettled, marker)
		}
		return s, s.mark(ctx, c, store, unit)
	}
	change, err := entry.decide(store, unit, marker)
	if err != nil {
		return nil, err
	}
	if change != nil {
		logger.Info("settled the checkpoint that the last run was committing", "checkpoint", entry.Checkpoint, "committed", marker == entry.Pending)
		if err := store.Commit(change); err != nil {
			return nil, err
		}
	}
	if s.applied = marker; marker != "" {
		return s, nil
	}
	if entry.Applied == "" { // the last run ended before it set the first
		return s, s.mark(ctx, c, store, unit)
	}
	logger.Warn("the sink's system has lost the marker of the last transaction: such markers expire when a job is stopped for long; nothing was under way, so the job goes on", "expected", entry.Applied)
	return s, s.mark(ctx, c, store, unit)
}

// decide is what brings the state to where the marker says that the system is: nil for nothing, where they agree.
func (e transactionMeta) decide(store state.Store, unit, marker string) (*state.Batch, error) {
	switch {
	case e.Pending != "" && marker == e.Pending:
		batch, err := e.pending(store, unit)
		if err != nil {
			return nil, err
		}
		e.resume(unit, batch)
		return batch, nil
	case e.Pending != "" && marker == e.Applied:
		return e.forget(unit), nil
	case e.Pending != "":
		return nil, fmt.Errorf("%w: the last run was committing checkpoint %d with marker %s, after %s, and the sink's system has %s: whether the checkpoint's rows are committed cannot be told; "+
			"look at the end of the topic, or start a new group and replay", ErrUnsettled, e.Checkpoint, named(e.Pending), named(e.Applied), named(marker))
	case marker != "" && marker != e.Applied:
		return nil, fmt.Errorf("%w: the state goes with marker %s, and the sink's system has %s: the state is older than the committed rows, or another job uses the same name; "+
			"start from the newest state, or a new group and replay", ErrUnsettled, named(e.Applied), named(marker))
	}
	return nil, nil
}

func named(marker string) string {
	if marker == "" {
		return "none"
	}
	return marker
}

// mark commits a transaction without rows, so that from now on the system has a marker, and one that is missing means something.
func (s *settled) mark(ctx context.Context, c *Config, store state.Store, unit string) error {
	var t sink.Transaction
	err := c.retry(ctx, unit, sink.IsTemporary, func() (err error) {
		t, err = s.transactor.Begin(ctx)
		return err
	})
	if err == nil {
		err = commitTogether(ctx, store.Commit, unit, 0, "", t, &state.Batch{})
	}
	if err != nil {
		return fmt.Errorf("setting the first marker: %w", err)
	}
	s.applied = t.Marker()
	return nil
}
