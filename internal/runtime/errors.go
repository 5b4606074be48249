package runtime

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// OperatorError is a failure inside an operator: a user's function, a source or a sink.
type OperatorError struct {
	Operator string // its uid
	Subtask  int
	Split    string // the split of the record at hand; empty when a timer or the engine was at work
	Offset   int64  // its offset there
	Err      error
}

func (e *OperatorError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "operator %q subtask %d", e.Operator, e.Subtask)
	if e.Split != "" {
		fmt.Fprintf(&b, " at %s offset %d", e.Split, e.Offset)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *OperatorError) Unwrap() error { return e.Err }

// PanicError is a panic in a user's function, as an error.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// wrap names the operator at work and the record at hand.
func (t *Task) wrap(err error) error {
	var op *OperatorError
	if err == nil || errors.As(err, &op) || t.Ctx.Err() != nil && errors.Is(err, t.Ctx.Err()) {
		return err
	}
	e := &OperatorError{Operator: t.At, Subtask: t.Subtask, Err: err}
	if m := t.Here; m != nil && m.Split >= 0 {
		e.Split, e.Offset = t.run.Splits.Name(m.Split), m.Offset
	}
	return e
}

// caught turns a panic into an error. It is to be deferred.
func caught(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{Value: r, Stack: debug.Stack()}
	}
}
