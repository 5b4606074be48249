package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/keygroup"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/savepoint"
)

var (
	// ErrStep is wrapped where a Step cannot be done: what it names is not there, or its value is not one of the state's codec.
	ErrStep = errors.New("the edit cannot be made")
	// ErrInPlace is returned by Commit for a savepoint, which is never changed: Save writes another.
	ErrInPlace = errors.New("a savepoint is not changed in place; save the edited state as another savepoint")
)

// Action is what a Step does.
type Action string

const (
	// Set gives a key's cell a value, as JSON in the form that Entry.State shows. A key that has no state comes to have it.
	Set Action = "set"
	// Delete removes a cell of a key, or without a cell all that is kept of the key, its timers included.
	Delete Action = "delete"
	// SetTimer adds a timer of the operator's function for the key; one that is there stays.
	SetTimer Action = "set-timer"
	// DeleteTimer removes one.
	DeleteTimer Action = "delete-timer"
)

// Step is one change of a key's state.
type Step struct {
	Do       Action          `json:"do"`
	Operator string          `json:"operator"`
	Key      string          `json:"key"` // as ParseKey reads it
	Cell     string          `json:"cell,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"` // of Set
	// At is a timer's time in milliseconds since the Unix epoch. It is of event time unless Processing says otherwise.
	At         *int64 `json:"at,omitempty"`
	Processing bool   `json:"processing,omitempty"`
	// Split is the ID of the split that a new key of a partition-local operator is in, or which of a key's states is meant where several splits have one.
	Split string `json:"split,omitempty"`
}

// Edit changes the state of a stopped job. Steps are collected in memory; Changes says what they come to, and nothing is written before Commit or Save. It is not safe
// for concurrent use.
type Edit struct {
	state     *State
	encoders  Encoders
	directory *Directory
	steps     []Step
	touched   []*touched // in the order of their first step
}

// touched is the stored state of a key before and after.
type touched struct {
	operator      runtime.SavedOperator
	shard         uint16
	key           string
	before, after keyed.Value
}

// NewEdit begins an edit of what is open. The codecs show values and check what the encoders made of new ones; either may be nil.
func NewEdit(d *Directory, codecs Codecs, encoders Encoders) (*Edit, error) {
	s, err := New(d, codecs)
	if err != nil {
		return nil, err
	}
	return &Edit{state: s, encoders: encoders, directory: d}, nil
}

// Do adds steps. One that cannot be made is an error that wraps ErrStep and names it; the steps before it stay.
func (e *Edit) Do(steps ...Step) error {
	for _, s := range steps {
		if err := e.do(s); err != nil {
			return fmt.Errorf("%s: operator %q, key %q: %w: %w", s.Do, s.Operator, s.Key, ErrStep, err)
		}
		e.steps = append(e.steps, s)
	}
	return nil
}

func (e *Edit) do(s Step) error {
	o, err := e.state.operator(s.Operator)
	if err != nil {
		return err
	}
	if len(o.Cells) == 0 {
		return errors.New("the operator keeps no state by key")
	}
	make := s.Do == Set || s.Do == SetTimer
	t, err := e.touch(o, s, make)
	if err != nil {
		return err
	}
	after := t.after
	after.Cells = cloneCells(t.after.Cells)
	switch s.Do {
	case Set:
		err = e.set(o, &after, s)
	case Delete:
		err = remove(o, &after, s)
	case SetTimer, DeleteTimer:
		err = changeTimer(o, &after, s)
	default:
		return fmt.Errorf("no step is called %q: use %s, %s, %s or %s", s.Do, Set, Delete, SetTimer, DeleteTimer)
	}
	if err != nil {
		return err
	}
	if err := rearm(&after, o.Codecs, domainOf(o.Shape)); err != nil {
		return err
	}
	t.after = after
	if !slices.Contains(e.touched, t) {
		e.touched = append(e.touched, t)
	}
	return nil
}

func cloneCells(cells map[int][]byte) map[int][]byte {
	out := map[int][]byte{}
	for i, b := range cells {
		out[i] = slices.Clone(b)
	}
	return out
}

// domainOf is the time that an operator's windows go by.
func domainOf(shape string) keyed.Domain {
	for part := range strings.SplitSeq(shape, "; ") {
		if strings.HasSuffix(part, " in processing time") {
			return keyed.ProcessingTime
		}
	}
	return keyed.EventTime
}

func (e *Edit) set(o runtime.SavedOperator, v *keyed.Value, s Step) error {
	i, err := cellOf(o, s.Cell)
	if err != nil {
		return err
	}
	if o.Codecs[i] == timersCodec {
		return fmt.Errorf("timers are set and deleted one by one: use %s and %s", SetTimer, DeleteTimer)
	}
	b, err := e.encoders.encode(o.Codecs[i], s.Value)
	if err == nil {
		_, err = e.state.codecs.decode(o.Codecs[i], b)
	}
	if err != nil {
		return fmt.Errorf("state %q takes values of %s: %w", s.Cell, o.Codecs[i], err)
	}
	dropCell(o, v, s.Cell)
	v.Cells[i] = b
	return nil
}

// dropCell takes a state away, whatever codec it was written by.
func dropCell(o runtime.SavedOperator, v *keyed.Value, name string) (found bool) {
	for i, n := range o.Cells {
		if n == name && v.Cells[i] != nil {
			delete(v.Cells, i)
			found = true
		}
	}
	return found
}

// cellOf is where a state is written now: the last of its name, as those before it are of older codecs.
func cellOf(o runtime.SavedOperator, name string) (int, error) {
	i := len(o.Cells) - 1
	for i >= 0 && o.Cells[i] != name {
		i--
	}
	if i < 0 {
		return 0, fmt.Errorf("the operator has no state %q; it has %q", name, o.Cells)
	}
	return i, nil
}

func remove(o runtime.SavedOperator, v *keyed.Value, s Step) error {
	if s.Cell == "" {
		clear(v.Cells)
		return nil
	}
	if _, err := cellOf(o, s.Cell); err != nil {
		return err
	}
	if !dropCell(o, v, s.Cell) {
		return fmt.Errorf("the key has no %q", s.Cell)
	}
	return nil
}

func changeTimer(o runtime.SavedOperator, v *keyed.Value, s Step) error {
	cell := slices.Index(o.Codecs, timersCodec)
	switch {
	case cell < 0 && len(o.Cells) == 1 && o.Cells[0] == "windows":
		return errors.New("windows have times of their own, which follow from the windows")
	case cell < 0:
		return errors.New("the operator's function has no timers")
	case s.At == nil:
		return errors.New("the step says no time")
	}
	domain := keyed.EventTime
	if s.Processing {
		domain = keyed.ProcessingTime
	}
	t, err := parseTimers(v.Cells[cell])
	if err != nil {
		return err
	}
	at := min(*s.At, latestTimer)
	i, found := t.find(domain, at)
	switch {
	case s.Do == SetTimer && !found:
		t[domain] = slices.Insert(t[domain], i, storedTimer{at, noWatermark})
	case s.Do == DeleteTimer && !found:
		return fmt.Errorf("the key has no timer at %d", at)
	case s.Do == DeleteTimer:
		t[domain] = slices.Delete(t[domain], i, i+1)
	}
	if v.Cells[cell] = t.encode(); t.empty() {
		delete(v.Cells, cell)
	}
	return nil
}

// touch is the state of the step's key: as an earlier step left it, as it is stored, or new.
func (e *Edit) touch(o runtime.SavedOperator, s Step, create bool) (*touched, error) {
	key, err := ParseKey(keyCodec(o.Shape), s.Key)
	if err != nil {
		return nil, err
	}
	split := int32(-1)
	if s.Split != "" {
		i := slices.IndexFunc(e.state.saved.Splits, func(sp runtime.SavedSplit) bool { return sp.ID == s.Split })
		if i < 0 {
			return nil, fmt.Errorf("the state has no split %q", s.Split)
		}
		split = e.state.saved.Splits[i].Number
	}
	local := strings.Contains(o.Shape, " by partition ")
	var found []*touched
	for _, t := range e.touched {
		if t.operator.Number == o.Number && t.key == string(key) {
			found = append(found, t)
		}
	}
	err = e.state.find(o, key, func(stored, value []byte) error {
		p, _ := keyed.ParsePlace(stored)
		if slices.ContainsFunc(found, func(t *touched) bool { return t.shard == p.Shard }) {
			return nil
		}
		v, err := keyed.ParseValue(slices.Clone(value))
		found = append(found, &touched{o, p.Shard, string(key), v, v})
		return err
	})
	if err != nil {
		return nil, err
	}
	if local && split >= 0 {
		found = slices.DeleteFunc(found, func(t *touched) bool { return t.shard != uint16(split) })
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, errors.New("the key has state in several splits: say which is meant")
	case !create:
		return nil, errors.New("nothing is kept of the key")
	case local && split < 0:
		return nil, errors.New("the key is new, and the operator is keyed by partition: say in which split the key is")
	}
	shard := uint16(keygroup.Of(key, e.state.saved.MaxParallelism))
	if local {
		shard = uint16(split)
	}
	return &touched{o, shard, string(key), keyed.EmptyValue(), keyed.EmptyValue()}, nil
}

// Changes are what the steps come to: the keys whose state would differ, with all of it before and after.
func (e *Edit) Changes() (all []Change, err error) {
	for _, t := range e.touched {
		c := Change{Operator: t.operator.UID}
		for _, side := range []struct {
			value keyed.Value
			into  **Entry
		}{{t.before, &c.Before}, {t.after, &c.After}} {
			if len(side.value.Cells) == 0 {
				continue
			}
			b, err := side.value.Append(nil)
			if err != nil {
				return nil, err
			}
			shown, err := e.state.codecs.show(t.operator, keyed.Place{Shard: t.shard, Key: []byte(t.key)}, b)
			if err != nil {
				return nil, err
			}
			*side.into = &shown
			c.Key = shown.Key
		}
		if c.Before == nil && c.After == nil || c.Before != nil && c.After != nil && c.Before.same(c.After) {
			continue
		}
		all = append(all, c)
	}
	return all, nil
}

// batch is the writes of the edit, with its Record.
func (e *Edit) batch(note string, at time.Time) (*state.Batch, error) {
	b := &state.Batch{}
	for _, t := range e.touched {
		if err := keyed.Rewrite(b, t.operator.Number, t.shard, t.key, t.before, t.after); err != nil {
			return nil, fmt.Errorf("operator %q: key %q: %w", t.operator.UID, keyText([]byte(t.key)), err)
		}
	}
	return b, e.record(b, note, at)
}

// Commit writes the edit to the state directory, in one batch: all of it or nothing, durable when it returns. The note and the time are kept in the state; see Edits. The Edit
// is not used again.
func (e *Edit) Commit(note string, at time.Time) error {
	if e.directory.store == nil {
		return ErrInPlace
	}
	b, err := e.batch(note, at)
	if err != nil {
		return err
	}
	return e.directory.store.Commit(b)
}

// Save writes the edited state as a savepoint to dir, which must not exist or be empty. What was opened is not changed. The Edit is not used again.
func (e *Edit) Save(dir, note string, at time.Time) (*savepoint.Manifest, error) {
	b, err := e.batch(note, at)
	if err != nil {
		return nil, err
	}
	over, err := newOverlay(e.directory, b)
	if err != nil {
		return nil, err
	}
	return savepoint.Write(over, dir)
}
