package table

import (
	"errors"
	"fmt"
	"time"
)

// ErrTime is wrapped by what sinks return for a time that they do not store: one before the year 0 or after 9999. Within these years all sinks keep the same time, and
// its text sorts as the time does.
var ErrTime = errors.New("a time column holds the years 0 to 9999: change the time in the column's function, or make the column nullable and leave it out")

// The seconds since 1970 at which the years 0 and 10000 begin in UTC. Beyond them text has another width, and microseconds soon do not fit 64 bits.
const (
	firstSecond = -62_167_219_200
	pastSecond  = 253_402_300_800
)

// CheckTime refuses a time outside of the years 0 to 9999 in UTC; the error wraps ErrTime.
func CheckTime(t time.Time) error {
	if s := t.Unix(); s < firstSecond || s >= pastSecond {
		return fmt.Errorf("%s: %w", t.UTC().Format("2006-01-02T15:04:05Z"), ErrTime)
	}
	return nil
}

// Check says what of the row's value no sink stores: a time outside of the years 0 to 9999. It is for sinks to call before they take the value.
func (c *Column[T]) Check(row T) error {
	if c.typ != TimeType || c.IsNull(row) {
		return nil
	}
	return CheckTime(c.time(row))
}
