package stream

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/window"
)

// ErrNoCell is wrapped where an operator has no state of a name, or it is of another type than asked for.
var ErrNoCell = errors.New("the operator has no such state")

// KeyState is the state of one key at one moment, as QueryKey found it. It is a copy: nothing changes it, and changing what is read from it changes nothing.
type KeyState struct {
	Operator string
	Key      []byte // as its codec encodes it
	Shard    uint16 // key group, or the number of the split for a partition-local operator
	Subtask  int    // of the task that owns the key
	// Committed says that the task has ended, so that all of this is in the last checkpoint. Otherwise some of it may not be yet.
	Committed bool
	Cells     []StateCell
	// Stored is the stored form of the key's state, which package state/inspect shows as JSON.
	Stored []byte

	codecs []any
	value  keyed.Value
}

func newKeyState(operator string, key []byte, s *runtime.Stored) (*KeyState, error) {
	v, err := keyed.ParseValue(s.Value)
	if err != nil {
		return nil, err
	}
	k := &KeyState{Operator: operator, Key: slices.Clone(key), Shard: s.Shard, Subtask: s.Subtask, Committed: s.Committed, Cells: cellsOf(s.Cells), Stored: s.Value, value: v}
	for _, c := range s.Cells {
		k.codecs = append(k.codecs, c.Codec)
	}
	return k, nil
}

// cell is the codec and the bytes of a cell; nil bytes where the key has none.
func (s *KeyState) cell(name string) (codec any, value []byte, err error) {
	i := slices.IndexFunc(s.Cells, func(c StateCell) bool { return c.Name == name })
	if i < 0 {
		return nil, nil, fmt.Errorf("%w: %q has no %q; it has %v", ErrNoCell, s.Operator, name, s.Cells)
	}
	return s.codecs[i], s.value.Cells[i], nil
}

func (s *KeyState) wrongType(name string, want any) error {
	i := slices.IndexFunc(s.Cells, func(c StateCell) bool { return c.Name == name })
	return fmt.Errorf("%w: %q of operator %q is kept as %s, which is not a %T", ErrNoCell, name, s.Operator, s.Cells[i].Codec, want)
}

// StateOf is a named state of the key, and whether it has one. V is the V of a ValueState, ReducingState or AggregatingState, []V for a ListState and map[K]V for a
// MapState; s may be nil.
func StateOf[V any](s *KeyState, name string) (v V, ok bool, err error) {
	if s == nil {
		return v, false, nil
	}
	codec, b, err := s.cell(name)
	if err != nil {
		return v, false, err
	}
	c, typed := codec.(state.Codec[V])
	if !typed {
		return v, false, s.wrongType(name, v)
	}
	if b == nil {
		return v, false, nil
	}
	v, err = c.Decode(b)
	return v, err == nil, err
}

// OpenWindow is a window that a key has open: records are in it, and time has not come to its cleanup.
type OpenWindow[A any] struct {
	window.TimeWindow
	Contents A
	Records  int64
	// Emitted says that the contents have been emitted as they are, as they are of a window that waits for late records.
	Emitted bool
}

// WindowsOf lists the windows that the key has open, by start. A is []T where all records are kept, as for Process, and else the accumulator: the A of an Aggregator, the
// T of Reduce. s may be nil.
func WindowsOf[A any](s *KeyState) (all []OpenWindow[A], err error) {
	if s == nil {
		return nil, nil
	}
	codec, b, err := s.cell(windowsCell)
	if err != nil {
		return nil, err
	}
	decode, typed := contentsDecoder[A](codec)
	if !typed {
		var a A
		return nil, s.wrongType(windowsCell, a)
	}
	if b == nil {
		return nil, nil
	}
	ws, err := windowing.DecodeStored(b)
	if err != nil {
		return nil, err
	}
	for _, w := range ws {
		contents, err := decode(w.Contents)
		if err != nil {
			return nil, fmt.Errorf("window %s: %w", w.TimeWindow, err)
		}
		all = append(all, OpenWindow[A]{w.TimeWindow, contents, w.Records, w.Fired})
	}
	return all, nil
}

const windowsCell = "windows"

// contentsDecoder takes the contents of a codec of windows apart.
func contentsDecoder[A any](codec any) (func([]byte) (A, error), bool) {
	w, ok := codec.(interface{ Contents() any })
	if !ok {
		return nil, false
	}
	switch c := w.Contents().(type) {
	case state.Codec[A]:
		return c.Decode, true
	case state.Codec[box[A]]:
		return func(src []byte) (A, error) {
			b, err := c.Decode(src)
			return b.v, err
		}, true
	}
	return nil, false
}

// EventTimers and ProcessingTimers are the key's timers, by time. Those of window operators are not among them.
func (s *KeyState) EventTimers() ([]time.Time, error) { return s.timers(eventTimers) }

// ProcessingTimers are the timers on the wall clock.
func (s *KeyState) ProcessingTimers() ([]time.Time, error) { return s.timers(processingTimers) }

func (s *KeyState) timers(d keyed.Domain) (all []time.Time, err error) {
	if s == nil || !slices.ContainsFunc(s.Cells, func(c StateCell) bool { return c.Name == timersCell }) {
		return nil, nil
	}
	ts, _, err := StateOf[timers](s, timersCell)
	for _, t := range ts[d] {
		all = append(all, time.UnixMilli(t.at))
	}
	return all, err
}

// storedID names the stored form of a cell. A codec of windows names their contents; that of an accumulator lies behind a byte that says whether there is one.
func storedID(codec any) string {
	if w, ok := codec.(interface{ Contents() any }); ok {
		if b, ok := w.Contents().(interface{ boxed() string }); ok {
			return "windows/1<optional<" + b.boxed() + ">>"
		}
	}
	c, _ := codec.(interface{ ID() string })
	if c == nil {
		return ""
	}
	return cmp.Or(c.ID(), "bytes")
}
