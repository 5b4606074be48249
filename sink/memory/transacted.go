package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace/millrace/sink"
)

// System has transactions, as a broker has. It outlives the jobs that use it, and fences those that another instance has taken over from. The zero value
// is ready to use; it must not be copied.
type System struct {
	faults
	mu    sync.Mutex
	units map[string]*unitLog
	last  int // names transactions
}

// unitLog is what the system knows of a commit unit.
type unitLog struct {
	marker string
	epoch  int // of the newest instance
}

// Markers are the markers of the units, by job and unit.
func (s *System) Markers() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	markers := map[string]string{}
	for name, u := range s.units {
		markers[name] = u.marker
	}
	return markers
}

// Forget loses the markers, as a broker does when a job is stopped for longer than it keeps them.
func (s *System) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.units {
		u.marker = ""
	}
}

// Transacted collects rows that appear with the transaction of their checkpoint, in the order of the commits: exactly once. Make it with NewTransacted. Like its
// System it outlives the jobs.
type Transacted[T any] struct {
	system *System
	rows   []T // guarded by the system
}

// NewTransacted makes an empty list in a system.
func NewTransacted[T any](system *System) *Transacted[T] { return &Transacted[T]{system: system} }

// Rows are the committed rows, in a slice of the caller's own.
func (l *Transacted[T]) Rows() []T {
	l.system.mu.Lock()
	defer l.system.mu.Unlock()
	return append([]T(nil), l.rows...)
}

// Open implements sink.Sink.
func (l *Transacted[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) {
	if err := l.system.check(Open); err != nil {
		return nil, err
	}
	return &transactedWriter[T]{list: l}, nil
}

// Traits implements sink.Sink.
func (l *Transacted[T]) Traits() sink.Traits { return sink.Traits{} }

func (l *Transacted[T]) String() string { return "memory transacted list" }

// System implements sink.Transactional.
func (l *Transacted[T]) System() string { return fmt.Sprintf("memory %p", l.system) }

// Transactor implements sink.Transactional.
func (l *Transacted[T]) Transactor(_ context.Context, env sink.TransactorEnv) (sink.Transactor, error) {
	s := l.system
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.units == nil {
		s.units = map[string]*unitLog{}
	}
	name := env.Job + "/" + env.Unit
	if s.units[name] == nil {
		s.units[name] = &unitLog{}
	}
	return &transactor{system: s, unit: s.units[name]}, nil
}

type transactor struct {
	system *System
	unit   *unitLog
	epoch  int
	open   []*transaction
}

func (t *transactor) Settle(context.Context) (string, error) {
	if err := t.system.check(Settle); err != nil {
		return "", err
	}
	t.system.mu.Lock()
	defer t.system.mu.Unlock()
	t.unit.epoch++
	t.epoch = t.unit.epoch
	return t.unit.marker, nil
}

func (t *transactor) Begin(context.Context) (sink.Transaction, error) {
	if err := t.system.check(Begin); err != nil {
		return nil, err
	}
	t.system.mu.Lock()
	defer t.system.mu.Unlock()
	t.system.last++
	n := &transaction{transactor: t, marker: fmt.Sprintf("transaction-%d", t.system.last)}
	t.open = append(t.open, n)
	return n, t.live()
}

// live reports a transactor that another instance has fenced.
func (t *transactor) live() error {
	if t.epoch != t.unit.epoch {
		return fmt.Errorf("memory: instance %d of the unit writes, and %d has come: %w", t.epoch, t.unit.epoch, sink.ErrFenced)
	}
	return nil
}

func (t *transactor) Close() error {
	t.system.mu.Lock()
	defer t.system.mu.Unlock()
	for _, n := range t.open {
		n.done = true
	}
	return nil
}

type transaction struct {
	transactor *transactor
	marker     string
	show       []func() // what makes rows visible, in order
	done       bool
}

func (n *transaction) Marker() string { return n.marker }

func (n *transaction) Empty() bool {
	n.transactor.system.mu.Lock()
	defer n.transactor.system.mu.Unlock()
	return len(n.show) == 0
}

func (n *transaction) Commit(context.Context) error {
	s := n.transactor.system
	if err := s.check(Commit); err != nil {
		return err
	}
	if err := n.commit(); err != nil {
		return err
	}
	return s.check(Answer)
}

func (n *transaction) commit() error {
	s := n.transactor.system
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := n.usable(); err != nil {
		return err
	}
	for _, show := range n.show {
		show()
	}
	n.transactor.unit.marker, n.done = n.marker, true
	return nil
}

var errEnded = errors.New("memory: the transaction has ended")

func (n *transaction) usable() error {
	if n.done {
		return fmt.Errorf("%s: %w", n.marker, errEnded)
	}
	return n.transactor.live()
}

type transactedWriter[T any] struct {
	list *Transacted[T]
	in   *transaction
}

// Join implements sink.Joiner.
func (w *transactedWriter[T]) Join(t sink.Transaction) error {
	n, ok := t.(*transaction)
	if !ok || n.transactor.system != w.list.system {
		return fmt.Errorf("memory: %T is not a transaction of this system", t)
	}
	w.in = n
	return nil
}

func (w *transactedWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	values, err := appendValues(nil, rows)
	if err != nil {
		return err
	}
	s := w.list.system
	if err := s.check(Write); err != nil {
		return err
	}
	if w.in == nil {
		return errors.New("memory: a transacted list is written to within transactions only")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := w.in.usable(); err != nil {
		return err
	}
	if len(values) > 0 {
		w.in.show = append(w.in.show, func() { w.list.rows = append(w.list.rows, values...) })
	}
	return nil
}

func (w *transactedWriter[T]) Close() error { return nil }
