package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/runtime"
)

var (
	// ErrNotRunning is returned for a question to a job that is not running; its state can be looked into by package state/inspect.
	ErrNotRunning = errors.New("the job is not running")
	// ErrNoTask is wrapped where nobody can answer at the moment: the job starts, starts again after a failure, or is about to end. The question may be asked again.
	ErrNoTask = runtime.ErrNoTask
	// ErrNoState is wrapped where a job has no such operator, or it keeps no state by key.
	ErrNoState = runtime.ErrNoState
)

// Queryable is an operator whose state can be asked for by key while the job runs.
type Queryable struct {
	Operator string      `json:"operator"`
	KeyCodec string      `json:"key_codec"`
	Cells    []StateCell `json:"cells"` // empty until one of its tasks has begun
	Tasks    int         `json:"tasks"` // that have begun
}

// StateCell is a named state of an operator, and the codec of its values. The windows of a window operator are its one cell, "windows"; timers are in "timers".
type StateCell struct {
	Name  string `json:"name"`
	Codec string `json:"codec"`
}

// Queryable lists the operators with keyed state, in the order in which they were made.
func (j *Job) Queryable() (all []Queryable) {
	j.mu.Lock()
	r := j.run
	j.mu.Unlock()
	var served []runtime.Served
	if r != nil {
		served = r.Served()
	}
	for _, n := range j.nodes {
		if n.key == nil {
			continue
		}
		q := Queryable{Operator: n.uid, KeyCodec: n.keyCodec, Cells: []StateCell{}}
		for i := range served {
			if s := &served[i]; s.UID == n.uid {
				q.Cells = cellsOf(s.Cells())
				q.Tasks++
			}
		}
		all = append(all, q)
	}
	return all
}

func cellsOf(declared []keyed.Declared) []StateCell {
	cells := make([]StateCell, len(declared))
	for i, d := range declared {
		cells[i] = StateCell{d.Name, storedID(d.Codec)}
	}
	return cells
}

// QueryKey asks a running job for the state of one key of an operator; nil where the key has none. The answer is the live value, all of it from one moment between two
// records: it has what the last checkpoint does not have yet, and a failure may still take that back. It is given by the task that owns the key, between two batches
// of records or while the task waits. A task that is blocked by what it feeds, or busy in a user's function, answers when it comes to it, so ctx should have a
// deadline. Nothing is read into memory for it that was not there, and no record waits longer than encoding the key's state takes.
//
// Errors are ErrNotRunning, and those that wrap ErrNoTask, ErrNoState, or the error of ctx.
func QueryKey[K comparable](ctx context.Context, j *Job, operator string, key K) (*KeyState, error) {
	n := j.uids[operator]
	if n == nil || n.key == nil {
		return nil, fmt.Errorf("query of job %q: %w: %q", j.name, ErrNoState, operator)
	}
	encode, ok := n.key.(func(K) ([]byte, error))
	if !ok {
		return nil, fmt.Errorf("query of job %q: the keys of operator %q (%s) are not of type %T", j.name, operator, n.keyCodec, key)
	}
	b, err := encode(key)
	if err != nil {
		return nil, fmt.Errorf("query of job %q: key of operator %q: %w", j.name, operator, err)
	}
	return j.QueryBytes(ctx, operator, b)
}

// QueryBytes is QueryKey for a key as its codec encodes it.
func (j *Job) QueryBytes(ctx context.Context, operator string, key []byte) (*KeyState, error) {
	s, err := j.query(ctx, operator, key)
	if err != nil {
		return nil, fmt.Errorf("query of job %q: operator %q, key %q: %w", j.name, operator, key, err)
	}
	return s, nil
}

func (j *Job) query(ctx context.Context, operator string, key []byte) (*KeyState, error) {
	if n := j.uids[operator]; n == nil || n.key == nil {
		return nil, ErrNoState
	}
	j.mu.Lock()
	running, r := j.running, j.run
	j.mu.Unlock()
	switch {
	case !running:
		return nil, ErrNotRunning
	case r == nil:
		return nil, ErrNoTask
	}
	stored, err := r.Peek(ctx, operator, key)
	switch {
	case errors.Is(err, fs.ErrClosed): // of the job's run before, or at its end
		return nil, ErrNoTask
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("the task that owns the key did not come to answer: %w", err)
	case err != nil || stored == nil:
		return nil, err
	}
	return newKeyState(operator, key, stored)
}
