package runtime

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/state"
)

// unit is what commits together: it drives the coordinator, one goroutine, and commits each complete checkpoint as one batch.
//
// Tasks never wait for the unit but to hand it an event, of which each has few under way; the unit never waits for a task but to hand it a command, of
// which each has room for all that can be under way.
type unit struct {
	run    *Run
	name   string
	events chan unitEvent
	tasks  map[int]*Task
	pieces []*Snapshot
	books  map[int][]ledger.Tally // of each task, at its last barrier
	wanted chan struct{}          // a demand for a checkpoint, at most one waiting
	stop   chan struct{}
	added  chan *Task
	drain  chan struct{}
	done   chan struct{} // closed when the unit's loop has ended
	next   int64         // the checkpoint that the records of a task which starts now belong to
	// committing is closed when the commit under way has ended; nil without one.
	committing atomic.Pointer[chan struct{}]

	transactions *transactions // nil without
	health       health
}

type unitEvent struct {
	checkpoint.Event
	piece *Snapshot
}

func (r *Run) newUnit(name string) *unit {
	u := &unit{
		run: r, name: name, tasks: map[int]*Task{}, books: map[int][]ledger.Tally{}, events: make(chan unitEvent, 64),
		wanted: make(chan struct{}, 1), stop: make(chan struct{}, 1), added: make(chan *Task), drain: make(chan struct{}, 1), done: make(chan struct{}),
	}
	u.next = r.meta.epochs[name] + 1
	u.transactions = r.newTransactions(name)
	r.units = append(r.units, u)
	return u
}

// add takes a task in that starts between checkpoints.
func (u *unit) add(t *Task) {
	t.first = u.next
	u.tasks[t.id] = t
}

func (u *unit) send(ctx context.Context, e unitEvent) error {
	if u.run.turns != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case u.events <- e:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (u *unit) deliver(ctx context.Context, task int, s *Snapshot) error {
	return u.send(ctx, unitEvent{checkpoint.Event{Type: checkpoint.Ack, Task: task, Epoch: s.Epoch}, s})
}

func (u *unit) drained(ctx context.Context, task int) error {
	return u.send(ctx, unitEvent{Event: checkpoint.Event{Type: checkpoint.Drained, Task: task}})
}

func (u *unit) exhausted(ctx context.Context, task int) error {
	return u.send(ctx, unitEvent{Event: checkpoint.Event{Type: checkpoint.Exhausted, Task: task}})
}

func (u *unit) demand() {
	select {
	case u.wanted <- struct{}{}:
	default:
	}
}

// loop runs until the unit is done or the run is given up.
func (u *unit) loop(ctx context.Context) error {
	defer close(u.done)
	c := checkpoint.New(u.run.meta.epochs[u.name])
	if u.transactions != nil {
		if err := u.transactions.begin(ctx, u.next); err != nil {
			return err
		}
	}
	draining := false
	var actions []checkpoint.Action
	for id, t := range u.tasks {
		actions = c.Step(checkpoint.Event{Type: checkpoint.Added, Task: id, Source: t.source}, actions)
	}
	// The first checkpoint makes the resolved start positions and the job's shape durable.
	actions = c.Step(checkpoint.Event{Type: checkpoint.Tick}, actions)
	clock := u.run.cfg.Clock
	tick, stopTick := clock.After(u.run.cfg.CheckpointEvery)
	defer func() { stopTick() }()
	defer u.health.disarm()
	for {
		u.turn("goes on")
		for len(actions) > 0 {
			a := actions[0]
			actions = actions[1:]
			done, more, err := u.act(ctx, c, a)
			if done || err != nil {
				return err
			}
			actions = append(actions, more...)
		}
		added, wanted, due := u.added, (<-chan struct{})(u.wanted), tick
		if c.Busy() { // what waits for the end of a checkpoint has the same chance as the next one
			added, wanted, due = nil, nil, nil
		}
		stop, drain, given := (<-chan struct{})(u.stop), (<-chan struct{})(u.drain), ctx.Done()
		late := u.health.late
		events := (<-chan unitEvent)(u.events)
		if p := u.run.turns; p != nil {
			ready := p.Pick(len(events) > 0, len(wanted) > 0, len(stop) > 0, len(drain) > 0, ctx.Err() != nil)
			events, wanted = onlyIf(ready, 0, events), onlyIf(ready, 1, wanted)
			stop, drain = onlyIf(ready, 2, stop), onlyIf(ready, 3, drain)
			given, due = onlyIf(ready, 4, given), onlyIf(ready, 5, due)
			late = onlyIf(ready, 5, late)
		}
		select {
		case e := <-events:
			if e.piece != nil {
				u.pieces = append(u.pieces, e.piece)
			}
			actions = c.Step(e.Event, actions)
		case <-wanted:
			actions = c.Step(checkpoint.Event{Type: checkpoint.Demand}, actions)
		case <-due:
			actions = c.Step(checkpoint.Event{Type: checkpoint.Tick}, actions)
			tick, stopTick = clock.After(u.run.cfg.CheckpointEvery)
		case <-late:
			if err := u.overdue(c); err != nil {
				return err
			}
		case <-stop:
			actions = c.Step(checkpoint.Event{Type: checkpoint.StopAsked}, actions)
		case <-drain:
			draining = true
			u.turn("is to drain")
			if err := u.tell(ctx, true, command{kind: cmdDrain}); err != nil {
				return err
			}
		case t := <-added:
			u.turn("has a new task")
			// Its lanes are known further down before any barrier: one that reached a receiver first would be aligned without them.
			for _, w := range t.writers {
				if err := w.Barrier(0); err != nil {
					return err
				}
			}
			u.add(t)
			if draining {
				t.command <- command{kind: cmdDrain} // the first in its queue
			}
			u.run.goTask(t)
			actions = c.Step(checkpoint.Event{Type: checkpoint.Added, Task: t.id, Source: t.source}, actions)
		case <-given:
			return context.Cause(ctx)
		}
	}
}

func (u *unit) act(ctx context.Context, c *checkpoint.Coordinator, a checkpoint.Action) (done bool, more []checkpoint.Action, err error) {
	switch a.Type {
	case checkpoint.SendBarrier:
		u.pieces = u.pieces[:0]
		u.next = a.Epoch + 1
		if u.transactions != nil {
			if err := u.transactions.ready(ctx, u.next); err != nil {
				return false, nil, err
			}
		}
		u.begun()
		err = u.tell(ctx, true, command{kind: cmdBarrier, epoch: a.Epoch, stop: a.Kind == checkpoint.Stop, last: a.Kind == checkpoint.Final})
	case checkpoint.Commit:
		if err := u.commit(ctx, a); err != nil {
			return false, nil, fmt.Errorf("checkpoint %d of %s: %w", a.Epoch, u.name, err)
		}
		more = c.Step(checkpoint.Event{Type: checkpoint.Committed, Epoch: a.Epoch}, nil)
	case checkpoint.Announce:
		err = u.tell(ctx, false, command{kind: cmdCommitted, epoch: a.Epoch})
	case checkpoint.Exit:
		return true, nil, u.tell(ctx, false, command{kind: cmdExit})
	}
	return false, more, err
}

// tell hands a command to the tasks, or to the sources only.
func (u *unit) tell(ctx context.Context, sources bool, c command) error {
	for _, t := range u.tasks {
		if sources && !t.source {
			continue
		}
		if u.run.turns != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case t.command <- c:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// commit makes what the tasks delivered durable, as one batch.
func (u *unit) commit(ctx context.Context, a checkpoint.Action) error {
	ended := make(chan struct{})
	u.committing.Store(&ended)
	defer func() {
		u.committing.Store(nil)
		close(ended)
	}()
	if err := u.run.images.enter(ctx); err != nil {
		return err
	}
	defer u.run.images.leave()
	begun := u.run.cfg.Clock.Now()
	var batch state.Batch
	for _, s := range u.pieces {
		batch.Merge(s.Batch)
	}
	setEpoch(&batch, u.name, a.Epoch)
	counted := u.account(&batch)
	writes, bytes := batch.Len(), batch.Bytes()
	if err := u.persist(ctx, a.Epoch, &batch); err != nil {
		return err
	}
	u.run.publish(counted)
	clear(u.pieces)
	u.pieces = u.pieces[:0]
	u.run.images.committed()
	m := u.run.cfg.Meter
	m.Counter("checkpoints", "unit", u.name).Add(1)
	m.Counter("checkpoint_bytes", "unit", u.name).Add(bytes)
	u.run.cfg.Logger.Debug("checkpoint", "unit", u.name, "number", a.Epoch, "writes", writes, "bytes", bytes, "took", u.run.cfg.Clock.Now().Sub(begun).Round(time.Microsecond))
	return nil
}
