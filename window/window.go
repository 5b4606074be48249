// Package window says which windows a record belongs to. An Assigner is a rule without state; the engine keeps the contents.
//
// Times are milliseconds since the Unix epoch. A window is [Start, End); its MaxTimestamp is End-1. Starts follow floorMod, so that negative times
// fall into the window that contains them.
package window

import (
	"fmt"
	"math"
)

// TimeWindow is [Start, End) in milliseconds.
type TimeWindow struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// MaxTimestamp is the last millisecond of the window; math.MaxInt64 for the global one.
func (w TimeWindow) MaxTimestamp() int64 {
	if w.End == math.MaxInt64 {
		return w.End
	}
	return w.End - 1
}

// Touches reports whether the windows intersect or meet end to start: what makes sessions merge.
func (w TimeWindow) Touches(o TimeWindow) bool { return w.Start <= o.End && o.Start <= w.End }

// Cover is the smallest window that contains both.
func (w TimeWindow) Cover(o TimeWindow) TimeWindow {
	return TimeWindow{min(w.Start, o.Start), max(w.End, o.End)}
}

func (w TimeWindow) String() string { return fmt.Sprintf("[%d,%d)", w.Start, w.End) }

// Assigner gives the windows of a timestamp.
type Assigner interface {
	// Assign appends the windows of a record at ts, newest first. For processing-time assigners ts is the wall clock.
	Assign(dst []TimeWindow, ts int64) []TimeWindow
	// Traits says how the engine treats the windows.
	Traits() Traits
	// String is the rule with all its parameters: it stands in the plan and in the job's fingerprint.
	String() string
}

// Traits is what the engine must know of an assigner.
type Traits struct {
	Merging        bool    // sessions: windows that touch become one
	ProcessingTime bool    // windows follow the wall clock
	Trigger        Trigger // the default trigger; nil stands for the one that fires when time passes MaxTimestamp
	// KeepLast, where it is not 0, drops all but the last so many records of a window whenever it fires, before the function sees them. What
	// is dropped still counts in TriggerContext.Count.
	KeepLast int64
}
