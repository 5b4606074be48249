package window

import (
	"fmt"
	"time"
)

// Validator is an Assigner or Trigger that may have been made with parameters that make no sense. The engine asks when it builds the graph. An invalid
// assigner assigns nothing and an invalid trigger never fires, without a panic.
type Validator interface {
	// Err says what is wrong and what would be right, or is nil.
	Err() error
}

// errOf is the error of a trigger or assigner that can have one.
func errOf(x any) error {
	if v, ok := x.(Validator); ok {
		return v.Err()
	}
	return nil
}

// positive checks a length of time: whole milliseconds, at least one.
func positive(what string, d time.Duration) error {
	if d < time.Millisecond || d%time.Millisecond != 0 {
		return fmt.Errorf("window %s of %s: want a whole number of milliseconds, at least 1ms", what, d)
	}
	return nil
}

// withinPeriod checks an offset.
func withinPeriod(offset, period time.Duration) error {
	if offset%time.Millisecond != 0 {
		return fmt.Errorf("window offset of %s: want a whole number of milliseconds", offset)
	}
	if offset <= -period || offset >= period {
		return fmt.Errorf("window offset of %s: want less than the %s from one window to the next, in either direction", offset, period)
	}
	return nil
}
