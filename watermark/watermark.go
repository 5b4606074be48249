// Package watermark says how event time is read from records and how far it has come.
//
// A watermark W promises that no more records with a timestamp <= W follow. Times are milliseconds since the Unix epoch, Min before the first
// record, Max at the end of input. Each split has a generator of its own.
package watermark

import (
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	Min int64 = math.MinInt64 // before the first record
	Max int64 = math.MaxInt64 // end of input
)

// Generator follows one split. It is used by one goroutine.
type Generator[T any] interface {
	// OnRecord is told every record in the split's order and returns the watermark after it. The engine never lets it move back.
	OnRecord(v T, timestamp int64) int64
	// Restore puts the generator where it was when its watermark was w, after a restart.
	Restore(w int64)
}

// Strategy is event time for records of type T. The zero value takes the log's own timestamps and makes no watermarks but the one at the end.
// It is a value: the With methods return a changed copy.
type Strategy[T any] struct {
	// Name says, in plans and in the job's fingerprint, which rule this is.
	Name string
	// Timestamp reads the event time of a record; nil takes the time the log gave it.
	Timestamp func(T) time.Time
	// New makes a split's generator; nil makes no watermarks but the one at the end of input.
	New func() Generator[T]
	// Idleness is how long a split at its end offset may be silent before it stops holding back the others, by the wall clock; 0 means for ever.
	// It is never applied to a bounded split.
	Idleness time.Duration
	// MaxDrift is how far, in event time, a split may run ahead of the slowest one that still has something to read; negative means no limit. 0 means
	// DefaultMaxDrift where an exchange follows: there the slowest split decides when windows close, so what a faster one reads ahead stays in the
	// state, and a replay of uneven partitions would need the state of their distance. In a partition-local job 0 means no limit: each partition closes
	// its windows by its own clock, so its state is that of the live job wherever it is, and waiting would only make the replay slower. Set a drift
	// there too where readers of the results want all partitions to be at about the same time.
	MaxDrift time.Duration
	// FutureGuard is how far a timestamp may lie beyond the one the log gave the record. What lies further is quarantined and does not
	// move the watermark. 0 means DefaultFutureGuard, negative means off. Without a log timestamp the guard is off.
	FutureGuard time.Duration

	err error // of the function that made it
}

// Err says what makes no sense in the strategy, or is nil. The engine asks when it builds the graph.
func (s Strategy[T]) Err() error {
	return errors.Join(s.err, refuseNegative("idleness", s.Idleness))
}

func refuseNegative(what string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("watermark strategy: %s of %s: want 0 or more", what, d)
	}
	return nil
}

// What a Strategy with zero values stands for.
const (
	DefaultMaxDrift    = 10 * time.Minute // of Strategy.MaxDrift
	DefaultFutureGuard = 24 * time.Hour   // of Strategy.FutureGuard
)

// BoundedOutOfOrderness expects records at most bound out of order: W = max timestamp - bound - 1 ms. bound is rounded up to whole milliseconds.
func BoundedOutOfOrderness[T any](bound time.Duration, timestamp func(T) time.Time) Strategy[T] {
	b := bound.Milliseconds()
	if bound%time.Millisecond > 0 {
		b++
	}
	b = max(b, 0)
	return Strategy[T]{
		err:       refuseNegative("bound", bound),
		Name:      fmt.Sprintf("bounded out-of-orderness %s", bound),
		Timestamp: timestamp,
		New:       func() Generator[T] { return &bounded[T]{bound: b, max: Min} },
	}
}

// Monotonous expects timestamps that never fall: a bound of zero.
func Monotonous[T any](timestamp func(T) time.Time) Strategy[T] {
	s := BoundedOutOfOrderness(0, timestamp)
	s.Name = "monotonous"
	return s
}

// None reads timestamps and makes no watermarks: event-time windows fire at the end of input only.
func None[T any](timestamp func(T) time.Time) Strategy[T] {
	return Strategy[T]{Name: "no watermarks", Timestamp: timestamp}
}

// Custom uses the generators that new makes. name stands for the rule in the job's fingerprint: change it when the rule changes.
func Custom[T any](name string, timestamp func(T) time.Time, new func() Generator[T]) Strategy[T] {
	return Strategy[T]{Name: name, Timestamp: timestamp, New: new}
}

// WithIdleness sets Idleness.
func (s Strategy[T]) WithIdleness(d time.Duration) Strategy[T] { s.Idleness = d; return s }

// WithMaxDrift sets MaxDrift.
func (s Strategy[T]) WithMaxDrift(d time.Duration) Strategy[T] { s.MaxDrift = d; return s }

// WithFutureGuard sets FutureGuard.
func (s Strategy[T]) WithFutureGuard(d time.Duration) Strategy[T] { s.FutureGuard = d; return s }

type bounded[T any] struct{ bound, max int64 }

func (g *bounded[T]) OnRecord(_ T, ts int64) int64 {
	if ts > g.max {
		g.max = ts
	}
	return g.watermark()
}

func (g *bounded[T]) watermark() int64 {
	if g.max < Min+g.bound+1 { // also before the first record
		return Min
	}
	return g.max - g.bound - 1
}

func (g *bounded[T]) Restore(w int64) {
	if w > Max-g.bound-1 {
		g.max = Max
	} else if w != Min {
		g.max = w + g.bound + 1
	}
}
