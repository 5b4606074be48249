package simulation

import (
	"errors"

	"github.com/millrace/millrace/state"
)

// errDead is what a process hears that has crashed: nobody sees it.
var errDead = errors.New("simulated crash")

// backend opens the world's state for a process.
type backend struct {
	w *World
	p *process
}

func (b backend) String() string { return "simulated" }

func (b backend) Open(string, int64) (state.Store, error) {
	if b.p.dead.Load() {
		return nil, errDead
	}
	s, err := b.w.medium.open()
	if err != nil {
		return nil, err
	}
	return store{s, b.w, b.p}, nil
}

// store is the state as one process sees it. A commit is there whole or not at all, whether the process hears of it or not.
type store struct {
	state.Store
	w *World
	p *process
}

func (s store) Get(key, dst []byte) ([]byte, bool, error) {
	if s.p.dead.Load() {
		return dst[:0], false, errDead
	}
	return s.Store.Get(key, dst)
}

func (s store) MultiGet(keys [][]byte, visit func(i int, value []byte) error) error {
	if s.p.dead.Load() {
		return errDead
	}
	return s.Store.MultiGet(keys, visit)
}

func (s store) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	if s.p.dead.Load() {
		return errDead
	}
	return s.Store.Scan(from, to, visit)
}

func (s store) Commit(b *state.Batch) error {
	w := s.w
	w.turns.Wait("state", "is to commit")
	if s.p.dead.Load() {
		return errDead
	}
	fails := w.faults.happens(CommitFails)
	if fails && w.chance.IntN(2) == 0 {
		w.trace.fate("state: the commit of %d writes fails", b.Len())
		return injected(CommitFails)
	}
	if err := s.Store.Commit(b); err != nil {
		return err
	}
	w.trace.note("state: %d writes are durable", b.Len())
	w.turns.Wait("state", "has committed")
	switch {
	case s.p.dead.Load():
		return errDead
	case fails:
		return injected(CommitFails)
	}
	return nil
}
