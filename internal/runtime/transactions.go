package runtime

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/state"
)

// transactions are a commit unit's: one for each checkpoint, with the rows between the barrier before and its own.
//
// The one that follows a barrier is ready before the barrier is sent, so tasks never wait for it, and what they write while a checkpoint is being
// committed is in the next one's. The unit's goroutine makes and commits them; tasks only look them up.
type transactions struct {
	run        *Run
	unit       string
	transactor sink.Transactor
	awaited    bool             // other units wait until this one is settled
	applied    string           // the marker that goes with the unit's state
	spare      sink.Transaction // was not needed, and is as good as new; may be nil

	mu    sync.Mutex
	open  map[int64]sink.Transaction // by the checkpoint they belong to
	begun chan struct{}              // closed when the first is there
}

// newTransactions is nil for a unit without transactional sinks.
func (r *Run) newTransactions(unit string) *transactions {
	if r.cfg.transactional(unit) == nil {
		return nil
	}
	t := &transactions{run: r, unit: unit, open: map[int64]sink.Transaction{}, begun: make(chan struct{})}
	if s := r.cfg.Settled.take(unit); s != nil {
		t.transactor, t.applied = s.transactor, s.applied
		r.After(t.transactor.Close)
	} else if !r.started {
		t.awaited = true
		r.unsettled.Add(1)
	}
	return t
}

// begin makes the first transaction. A unit that was not settled, because the state does not know it, is settled here. No unit writes before all that were there at the
// start are settled: state that was copied while its process wrote knows every unit that may have committed something.
func (t *transactions) begin(ctx context.Context, checkpoint int64) error {
	if t.transactor == nil {
		cfg := &t.run.cfg
		s, err := cfg.settle(ctx, t.run.store, t.unit, nil)
		if err != nil {
			return err
		}
		t.transactor, t.applied = s.transactor, s.applied
		t.run.mu.Lock()
		t.run.After(t.transactor.Close)
		t.run.mu.Unlock()
	}
	if t.awaited {
		t.run.settle()
	}
	select {
	case <-t.run.settled:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := t.ready(ctx, checkpoint); err != nil {
		return err
	}
	close(t.begun)
	return nil
}

// ready makes the transaction of a checkpoint.
func (t *transactions) ready(ctx context.Context, checkpoint int64) error {
	next := t.spare
	t.spare = nil
	if next == nil {
		err := t.run.cfg.retry(ctx, t.unit, sink.IsTemporary, func() (err error) {
			next, err = t.transactor.Begin(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("beginning the transaction of checkpoint %d of %s: %w", checkpoint, t.unit, err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[checkpoint] = next
	return nil
}

// of is the transaction of a checkpoint. A task that starts may have to wait for the first.
func (t *transactions) of(ctx context.Context, checkpoint int64) (sink.Transaction, error) {
	select {
	case <-t.begun:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[checkpoint], nil
}

// commit makes a checkpoint's batch durable together with its transaction. store commits a batch to the state.
func (t *transactions) commit(ctx context.Context, checkpoint int64, batch *state.Batch, store func(*state.Batch) error) error {
	t.mu.Lock()
	transaction := t.open[checkpoint]
	delete(t.open, checkpoint)
	t.mu.Unlock()
	if transaction.Empty() {
		t.spare = transaction
		return store(batch)
	}
	if err := commitTogether(ctx, store, t.unit, checkpoint, t.applied, transaction, batch); err != nil {
		return err
	}
	t.applied = transaction.Marker()
	t.run.cfg.Meter.Counter("transactions", "unit", t.unit).Add(1)
	return nil
}

// commitTogether commits a transaction and a batch: both will be, or neither, whatever happens. An error leaves that to be settled.
func commitTogether(ctx context.Context, store func(*state.Batch) error, unit string, checkpoint int64, applied string, transaction sink.Transaction, batch *state.Batch) error {
	entry := transactionMeta{Applied: applied, Pending: transaction.Marker(), Checkpoint: checkpoint}
	pending := entry.suspend(unit, batch)
	if err := store(pending); err != nil {
		return err
	}
	if err := transaction.Commit(ctx); err != nil {
		return fmt.Errorf("committing transaction %s: %w", transaction.Marker(), err)
	}
	entry.resume(unit, batch)
	return store(batch)
}
