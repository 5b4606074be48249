package parts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

// Location is one place for parts, shared by all Writers of a sink value.
type Location struct {
	name    string
	columns []format.Column
	open    func(context.Context) (Store, error)
	turn    chan struct{} // holds one token: opening, claiming and closing happen one at a time

	mu      sync.Mutex // guards what follows; it is held for moments only
	store   Store      // nil without Writers
	writers int
	owner   mark            // Run is empty before a claim
	life    context.Context // the claim ends with it
	done    map[int]bool    // subtasks that have shown their last part
}

// NewLocation describes a place. name stands in messages, without credentials; columns are written down for readers; open connects to it.
func NewLocation(name string, columns []format.Column, open func(context.Context) (Store, error)) *Location {
	l := &Location{name: name, columns: columns, open: open, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

// Name is the location's in messages.
func (l *Location) Name() string { return l.name }

// join opens the store for one more Writer, and claims the location unless the job has saved state.
func (l *Location) join(ctx context.Context, env sink.Env) (s Store, err error) {
	if err := l.wait(ctx); err != nil {
		return nil, err
	}
	defer l.pass()
	if s = l.current(); s == nil {
		if s, err = l.open(ctx); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	l.store = s
	l.writers++
	fresh := l.life == nil || l.writers == 1 && l.life.Err() != nil
	if fresh {
		l.life, l.owner, l.done = ctx, mark{}, map[int]bool{}
	}
	l.mu.Unlock()
	if err := l.own(ctx, s, env); err != nil {
		return nil, errors.Join(err, l.leave())
	}
	return s, nil
}

// own sees to it that the location is this job's, as far as that can be said before the saved state is known.
func (l *Location) own(ctx context.Context, s Store, env sink.Env) error {
	owner := l.claimed()
	if owner.Run != "" {
		if owner.Job != env.Job || owner.Operator != env.Operator {
			return fmt.Errorf("%w: %s: operator %q of job %q writes to it as well: give each a location of its own", ErrExists, l.name, owner.Operator, owner.Job)
		}
		return l.check(ctx, s)
	}
	if !env.Restored {
		return l.claim(ctx, s, env)
	}
	there, _, err := readMark(ctx, s, l.name)
	if err != nil || there == nil {
		return err // Recover knows whether there should have been one
	}
	if there.Job != env.Job || there.Operator != env.Operator {
		return fmt.Errorf("%w: %s belongs to %s; this is job %q, operator %q: give it the location that it had before", ErrExists, l.name, *there, env.Job, env.Operator)
	}
	l.setOwner(*there)
	return nil
}

func (l *Location) claim(ctx context.Context, s Store, env sink.Env) error {
	run, err := claim(ctx, s, l.name, l.columns, env)
	if err == nil {
		l.setOwner(mark{env.Job, env.Operator, run})
	}
	return err
}

// recovered compares the runs of the saved state with the mark, and claims the location where there is neither.
func (l *Location) recovered(ctx context.Context, s Store, env sink.Env, runs []string) error {
	if err := l.wait(ctx); err != nil {
		return err
	}
	defer l.pass()
	owner := l.claimed()
	for _, run := range runs {
		if owner.Run == "" {
			return fmt.Errorf("%w: %s has no %s, and the saved state is of run %s: give the job the location that it had before, or start it without its saved state",
				ErrDamaged, l.name, MarkName, run)
		}
		if owner.Run != run {
			return fmt.Errorf("%w: %s belongs to %s, and the saved state is of run %s: another run has taken the location", ErrExists, l.name, owner, run)
		}
	}
	if owner.Run != "" {
		return nil
	}
	return l.claim(ctx, s, env)
}

// check says whether the mark is still this run's.
func (l *Location) check(ctx context.Context, s Store) error {
	owner := l.claimed()
	there, _, err := readMark(ctx, s, l.name)
	if err != nil {
		return err
	}
	if there == nil {
		return fmt.Errorf("%w: %s has lost its %s", ErrDamaged, l.name, MarkName)
	}
	if *there != owner {
		return fmt.Errorf("%w: %s was taken over by %s; this is %s: let one process run this job at a time", ErrExists, l.name, there, owner)
	}
	return nil
}

// finished notes that a subtask has shown its last part, and after the last of them says that the result is complete.
func (l *Location) finished(ctx context.Context, s Store, subtask, subtasks int) error {
	l.mu.Lock()
	l.done[subtask] = true
	complete := subtasks > 0 && len(l.done) >= subtasks
	l.mu.Unlock()
	if !complete {
		return nil
	}
	data, err := json.Marshal(l.claimed())
	if err != nil {
		return err
	}
	if err := s.Put(ctx, SuccessName, append(data, '\n'), ""); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s of %s: %w", SuccessName, l.name, err)
	}
	return nil
}

// quit gives one Writer's use of the store back.
func (l *Location) quit() error {
	<-l.turn
	defer l.pass()
	return l.leave()
}

func (l *Location) leave() error {
	l.mu.Lock()
	l.writers--
	s := l.store
	if l.writers > 0 {
		s = nil
	} else {
		l.store = nil
	}
	l.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Close()
}

func (l *Location) wait(ctx context.Context) error {
	select {
	case <-l.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Location) pass() { l.turn <- struct{}{} }

func (l *Location) current() Store {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store
}

func (l *Location) claimed() mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owner
}

func (l *Location) setOwner(m mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owner = m
}
