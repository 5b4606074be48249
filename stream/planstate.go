package stream

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
)

// SavedState is a state that can be read: a savepoint, a stopped job's directory (state/inspect opens both), or a state.Store that no job writes to.
type SavedState interface {
	Scan(from, to []byte, visit func(key, value []byte) bool) error
}

// StatePlan says what becomes of a state when a job goes on from it: by operator, by named state, and by field of protobuf messages. Print it, or ask Err.
type StatePlan = state.Plan

// PlanState compares the job with a state and changes nothing: it says what Run would do with it. The plan's Err is nil if Run would go on from it with nothing lost
// that the job was not told to drop, so that a test can hold a job to the savepoint of the one that is deployed:
//
//	plan, err := job.PlanState(savepoint)
//	require.NoError(t, err)
//	require.NoError(t, plan.Err(), "%s", plan)
//
// To learn what state functions declare, a function with Open is made, opened and closed; OpenContext.Planning tells it. The error is of what cannot be read at all.
func (j *Job) PlanState(from SavedState) (*StatePlan, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	c := j.runConfig()
	p, err := runtime.MakePlan(from, &c)
	if err != nil {
		return nil, fmt.Errorf("job %q: %w", j.name, err)
	}
	return p, nil
}

// CheckState is PlanState that also reads every value as the job would, by its migrations where there are any, and returns how many keys there were. Its error is the
// plan's, or that of the first value that cannot be read. It takes as long as reading the state does.
func (j *Job) CheckState(from SavedState) (keys int64, err error) {
	p, err := j.PlanState(from)
	if err == nil {
		err = p.Err()
	}
	if err != nil {
		return 0, err
	}
	c := j.runConfig()
	if keys, err = runtime.CheckValues(from, &c); err != nil {
		return keys, fmt.Errorf("job %q: %w", j.name, err)
	}
	return keys, nil
}

// checkState is what a run asks before it drops anything: another operator may be in the way.
func (j *Job) checkState(from runtime.Scanner) error {
	p, err := j.PlanState(from)
	if err != nil {
		return err
	}
	return p.Err()
}

// DropState lets the job lose state that it cannot take over: that of an operator which the job no longer has, or which has another definition now, or,
// with cells, values of an operator's named states that are no longer declared or have a codec that cannot read them. State that fits is kept whatever is
// said here, so the option may stay: it drops once. Without it such state is an error, since it may be that of an operator whose name was changed.
func DropState(uid string, cells ...string) JobOption {
	return jobOption(func(c *config) {
		if c.allow.Drop == nil {
			c.allow.Drop = map[string][]string{}
		}
		before, ok := c.allow.Drop[uid]
		switch {
		case ok && len(before) == 0: // all of it
		case len(cells) == 0:
			c.allow.Drop[uid] = nil
		default:
			c.allow.Drop[uid] = append(before, cells...)
		}
	})
}

// NewState lets an operator with windows or keyed state begin empty in a job that has read part of its log already. Without it that is an error: what it makes of the
// next records lacks those before them, so that its first results are not those of the log, and it may be an operator whose name was changed. Sources,
// sinks, and further named states of an operator that is there need no such word. The option may stay: it is of no effect once the operator has its place in the state.
func NewState(uid string) JobOption {
	return jobOption(func(c *config) {
		if c.allow.New == nil {
			c.allow.New = map[string]bool{}
		}
		c.allow.New[uid] = true
	})
}

// declareState opens a function for what it declares, and closes it.
func declareState(fn any, j *Job, uid string, k *keyedContext) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(err, fmt.Errorf("Open panicked when a plan asked for its state: %v", p))
		}
	}()
	if o, ok := fn.(Opener); ok {
		err = o.Open(&OpenContext{job: j, uid: uid, keyed: k})
	}
	if c, ok := fn.(Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
}
