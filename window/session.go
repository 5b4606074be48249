package window

import (
	"fmt"
	"time"
)

// SessionAssigner puts records into windows that a pause ends.
type SessionAssigner struct {
	gap            time.Duration
	processingTime bool
}

// EventTimeSession is sessions: records that follow each other within gap, exactly gap included, are in one window. It begins at the first record and
// ends gap after the last.
func EventTimeSession(gap time.Duration) SessionAssigner { return SessionAssigner{gap: gap} }

// ProcessingTimeSession is sessions by the wall clock.
func ProcessingTimeSession(gap time.Duration) SessionAssigner {
	return SessionAssigner{gap: gap, processingTime: true}
}

// Gap is the gap.
func (a SessionAssigner) Gap() time.Duration { return a.gap }

func (a SessionAssigner) Err() error { return positive("gap", a.gap) }

// Assign appends [ts, ts+gap), which the engine merges with those it touches.
func (a SessionAssigner) Assign(dst []TimeWindow, ts int64) []TimeWindow {
	if a.gap < time.Millisecond {
		return dst
	}
	return append(dst, OfGap(ts, a.gap.Milliseconds()))
}

func (a SessionAssigner) Traits() Traits {
	return Traits{Merging: true, ProcessingTime: a.processingTime}
}

func (a SessionAssigner) String() string {
	return fmt.Sprintf("session gap %s", a.gap) + suffix(0, a.processingTime)
}

// OfGap is the session window of one record: [ts, ts+gap) in milliseconds, no further than the end of time. A gap below 1 counts as 1.
func OfGap(ts, gap int64) TimeWindow { return TimeWindow{ts, plus(ts, max(gap, 1))} }
