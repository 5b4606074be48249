package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink"
)

// Rows is a sink: what a destination holds. Make it with NewTable, NewFiles or NewEvents.
type Rows[R any] struct {
	w    *World
	p    *process
	kept *destination[R]
}

// promise is what a sink does about rows that come again.
type promise int

const (
	upserts promise = iota
	exactlyOnce
	atLeastOnce
)

// destination is what of a sink outlives processes.
type destination[R any] struct {
	name    string
	promise promise
	key     func(R) string
	text    func(R) string
	table   map[string]R
	rows    []R
	staged  map[string][]R // prepared by a checkpoint, by name
	shown   map[string]bool
	number  int
}

// NewTable is a table with upserts; key is a row's primary key.
func NewTable[R any](w *World, name string, key func(R) string) *Rows[R] {
	return rows(w, &destination[R]{name: name, promise: upserts, key: key})
}

// NewFiles is a sink whose rows appear when their checkpoint has completed, each exactly once.
func NewFiles[R any](w *World, name string) *Rows[R] {
	return rows(w, &destination[R]{name: name, promise: exactlyOnce})
}

// NewEvents is a sink that only appends, as a topic without transactions: rows may come again after a failure.
func NewEvents[R any](w *World, name string) *Rows[R] {
	return rows(w, &destination[R]{name: name, promise: atLeastOnce})
}

func rows[R any](w *World, d *destination[R]) *Rows[R] {
	d.text = func(r R) string { return fmt.Sprintf("%+v", r) }
	d.table, d.staged, d.shown = map[string]R{}, map[string][]R{}, map[string]bool{}
	return &Rows[R]{w: w, p: w.process, kept: last(w, "sink "+d.name, func() *destination[R] { return d })}
}

// WithText says how rows are written to be compared and shown; the default is that of fmt's %+v.
func (s *Rows[R]) WithText(text func(R) string) *Rows[R] { s.kept.text = text; return s }

// Rows is what the destination holds: a table's in the order of their keys.
func (s *Rows[R]) Rows() []R {
	d := s.kept
	if d.promise != upserts {
		return slices.Clone(d.rows)
	}
	var all []R
	for _, k := range slices.Sorted(maps.Keys(d.table)) {
		all = append(all, d.table[k])
	}
	return all
}

func (d *destination[R]) contents() []string {
	lines := []string{}
	for k, r := range d.table {
		lines = append(lines, k+" = "+d.text(r))
	}
	for _, r := range d.rows {
		lines = append(lines, d.text(r))
	}
	slices.Sort(lines)
	if d.promise == atLeastOnce {
		lines = slices.Compact(lines)
	}
	return lines
}

// Traits implements sink.Sink.
func (s *Rows[R]) Traits() sink.Traits {
	return sink.Traits{Upserts: s.kept.promise == upserts, BatchRows: 20}
}

func (s *Rows[R]) String() string { return "simulated " + s.kept.name }

// Open implements sink.Sink.
func (s *Rows[R]) Open(_ context.Context, env sink.Env) (sink.Writer[R], error) {
	if s.p.dead.Load() {
		return nil, errDead
	}
	w := &writer[R]{s: s, who: fmt.Sprintf("sink %s/%d", s.kept.name, env.Subtask), prefix: fmt.Sprintf("%s/%d/", env.Operator, env.Subtask)}
	if s.kept.promise == exactlyOnce {
		return committing[R]{w}, nil
	}
	return w, nil
}

type writer[R any] struct {
	s           *Rows[R]
	who, prefix string

	// Of a committing writer: rows since the last checkpoint that it prepared, that checkpoint, and what it is committed by.
	rows       []R
	checkpoint int64
	pending    []byte
}

func (w *writer[R]) Close() error { return nil }

// call applies f, and may fail before or after.
func (w *writer[R]) call(what string, f func() error) error {
	world := w.s.w
	world.turns.Wait(w.who, "is to "+what)
	if err := world.refuses(w.who); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	world.trace.note("%s: applied", w.who)
	world.turns.Wait(w.who, "has done it")
	switch {
	case w.s.p.dead.Load():
		return errDead
	case world.faults.happens(WriteUnknown):
		world.trace.fate("%s: the writer hears of an error", w.who)
		return sink.Temporary(injected(WriteUnknown))
	case world.faults.happens(SinkBroken):
		world.trace.fate("%s: the writer hears of an error that stays", w.who)
		return injected(SinkBroken)
	}
	return nil
}

// Write implements sink.Writer.
func (w *writer[R]) Write(_ context.Context, rows []sink.Row[R]) error {
	d := w.s.kept
	if d.promise == exactlyOnce {
		for _, r := range rows {
			w.rows = append(w.rows, r.Value)
		}
		return nil
	}
	return w.call(fmt.Sprintf("write %d rows", len(rows)), func() error {
		for _, r := range rows {
			switch {
			case d.promise == atLeastOnce:
				d.rows = append(d.rows, r.Value)
			case r.Op == sink.Delete:
				delete(d.table, d.key(r.Value))
			default:
				d.table[d.key(r.Value)] = r.Value
			}
		}
		return nil
	})
}

// committing is the writer of NewFiles.
type committing[R any] struct{ *writer[R] }

// Prepare implements sink.Committer. Where an earlier call for the checkpoint took effect and was not heard of, it answers as that did.
func (w committing[R]) Prepare(_ context.Context, checkpoint int64, _ bool) ([]byte, error) {
	d := w.s.kept
	err := w.call(fmt.Sprintf("prepare %d rows for checkpoint %d", len(w.rows), checkpoint), func() error {
		if w.checkpoint == checkpoint {
			return nil
		}
		w.checkpoint, w.pending = checkpoint, nil
		if len(w.rows) > 0 {
			d.number++
			w.pending = fmt.Appendf(nil, "%s%d", w.prefix, d.number)
			d.staged[string(w.pending)] = w.rows
			w.rows = nil
		}
		return nil
	})
	return w.pending, err
}

// Commit implements sink.Committer.
func (w committing[R]) Commit(_ context.Context, pending []byte) error {
	d, name := w.s.kept, string(pending)
	return w.call("show "+name, func() error {
		if d.shown[name] {
			return nil
		}
		rows, ok := d.staged[name]
		if !ok {
			return fmt.Errorf("simulated %s: nothing was prepared as %q", d.name, name)
		}
		d.rows = append(d.rows, rows...)
		d.shown[name] = true
		delete(d.staged, name)
		return nil
	})
}

// Recover implements sink.Committer.
func (w committing[R]) Recover(context.Context, [][]byte) error {
	d := w.s.kept
	return w.call("recover", func() error {
		maps.DeleteFunc(d.staged, func(name string, _ []R) bool { return strings.HasPrefix(name, w.prefix) })
		return nil
	})
}
