package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/millrace/millrace/internal/keyed"
)

var (
	// ErrNoState is returned for an operator that keeps no keyed state, or that the job does not have.
	ErrNoState = errors.New("the job has no operator of that name with state")
	// ErrNoTask is returned while the task that owns a key has not begun, or when it has ended with its run.
	ErrNoTask = errors.New("the task that owns the key is not at work: the job starts, starts again, or ends")
)

// asked is how a task is asked something. Questions are handed over where the task stops anyway: between slices of records, and while it waits.
type asked struct {
	questions chan func()   // without room: what is in it has been taken
	ended     chan struct{} // closed when the task has ended
	orderly   bool          // read after ended: all that the task had is committed
}

func newAsked() asked { return asked{questions: make(chan func()), ended: make(chan struct{})} }

func (a *asked) end(err error) {
	a.orderly = err == nil
	close(a.ended)
}

// serve answers one question, if one is there.
func (t *Task) serve() {
	select {
	case q := <-t.asked.questions:
		q()
	default:
	}
}

// ask has f called on the task's goroutine and waits for it. f may be under way still when ask returns the error of ctx.
func (t *Task) ask(ctx context.Context, f func() error) (err error) {
	done := make(chan error, 1)
	question := func() {
		var err error
		defer func() { done <- err }()
		defer caught(&err)
		err = f()
	}
	select {
	case t.asked.questions <- question:
	case <-t.asked.ended:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errEnded = errors.New("ended")

// served lists the keyed state of a run's tasks.
type served struct {
	mu  sync.Mutex
	all []*Served
}

// Served is the keyed state of an operator in one task, to be asked by key.
type Served struct {
	UID   string
	task  *Task
	store *keyed.Store
	owns  func(key []byte) bool
	cells []keyed.Declared // nil before the task has begun
	begun bool
}

// Serve lets the operator's store be asked for the keys that the task owns.
func (t *Task) Serve(uid string, s *keyed.Store, owns func(key []byte) bool) {
	v := &t.run.served
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, &Served{UID: uid, task: t, store: s, owns: owns})
}

// begun says that the task's operators are open, so that all cells are declared.
func (v *served) begun(t *Task) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.all {
		if s.task == t {
			s.begun, s.cells = true, s.store.Declared()
		}
	}
}

// Served lists what can be asked now: the operators whose tasks have begun, with one entry for each task.
func (r *Run) Served() (all []Served) {
	v := &r.served
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.all {
		if s.begun {
			all = append(all, *s)
		}
	}
	return all
}

// Cells are the operator's cells.
func (s *Served) Cells() []keyed.Declared { return s.cells }

// Subtask is the task's number.
func (s *Served) Subtask() int { return s.task.Subtask }

// Stored is the state of a key.
type Stored struct {
	Shard   uint16
	Subtask int
	Cells   []keyed.Declared
	// Value is the stored form of the entry.
	Value []byte
	// Committed says that the task has ended in order, so that what is stored is final.
	Committed bool
}

// Peek asks the task that owns a key for its state as it is, committed or not; nil where there is none. It waits until the task comes to answer, or ctx is done.
func (r *Run) Peek(ctx context.Context, uid string, key []byte) (*Stored, error) {
	s, err := r.owner(uid, key)
	if err != nil {
		return nil, err
	}
	out := &Stored{Shard: s.store.ShardOf(key), Subtask: s.task.Subtask, Cells: s.cells}
	var found bool
	err = s.task.ask(ctx, func() (err error) {
		out.Value, found, err = s.store.Peek(key)
		return err
	})
	if errors.Is(err, errEnded) {
		if !s.task.asked.orderly {
			return nil, ErrNoTask
		}
		out.Committed = true
		out.Value, found, err = s.store.PeekStored(key)
	}
	if err != nil || !found {
		return nil, err
	}
	return out, nil
}

// owner is the state that a key belongs to.
func (r *Run) owner(uid string, key []byte) (*Served, error) {
	v := &r.served
	v.mu.Lock()
	of := slices.DeleteFunc(slices.Clone(v.all), func(s *Served) bool { return s.UID != uid })
	v.mu.Unlock()
	if len(of) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrNoState, uid)
	}
	i := slices.IndexFunc(of, func(s *Served) bool { return s.owns(key) })
	if i < 0 {
		return nil, ErrNoTask // the split that it would be in is not known yet
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !of[i].begun {
		return nil, ErrNoTask
	}
	s := *of[i]
	return &s, nil
}
