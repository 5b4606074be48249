package window

import (
	"fmt"
	"math"
)

// GlobalAssigner puts all records of a key into one window that never ends.
type GlobalAssigner struct{}

// Global is one window for all time, for which nothing is ever late. It never fires unless it is given a trigger; AtEnd fires it at the end of input.
func Global() GlobalAssigner { return GlobalAssigner{} }

var allTime = TimeWindow{math.MinInt64, math.MaxInt64}

func (GlobalAssigner) Assign(dst []TimeWindow, _ int64) []TimeWindow { return append(dst, allTime) }
func (GlobalAssigner) Traits() Traits                                { return Traits{Trigger: Never()} }
func (GlobalAssigner) String() string                                { return "global" }

// CountAssigner puts a key's records into windows of so many.
type CountAssigner struct{ size, slide int64 }

// Count is windows of n records of a key, in the order they are processed, each record in one. What does not fill a window is never
// emitted; for that, give Global the trigger Purging(AnyOf(AtCount(n), AtEnd())).
func Count(n int64) CountAssigner { return CountAssigner{n, n} }

// CountSliding emits, after every slide records of a key, the last n of them, fewer at the beginning.
func CountSliding(n, slide int64) CountAssigner { return CountAssigner{n, slide} }

func (a CountAssigner) Err() error {
	if a.size < 1 || a.slide < 1 {
		return fmt.Errorf("count windows of %d records every %d: want at least 1 of each", a.size, a.slide)
	}
	return nil
}

// Assign appends the global window.
func (a CountAssigner) Assign(dst []TimeWindow, _ int64) []TimeWindow { return append(dst, allTime) }

func (a CountAssigner) Traits() Traits {
	if a.size == a.slide {
		return Traits{Trigger: Purging(AtCount(a.size))}
	}
	return Traits{Trigger: AtCount(a.slide), KeepLast: a.size}
}

func (a CountAssigner) String() string {
	if a.size == a.slide {
		return fmt.Sprintf("count %d", a.size)
	}
	return fmt.Sprintf("count %d every %d", a.size, a.slide)
}
