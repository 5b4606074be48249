package windowing

import (
	"math"
	"strings"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/window"
)

// Decision is what a window operator decided.
type Decision uint8

const (
	Opened    Decision = iota + 1 // a record opened Window
	Added                         // a record came into the window Before[0], which is Window since: for a session, it may have grown
	Merged                        // a record joined the sessions Before to Window
	Refused                       // a record came too late for any window; Window is the latest that would have been its own
	Fired                         // Window was emitted
	Retracted                     // what Window had emitted was taken back
	Purged                        // the trigger dropped the contents of Window
	Removed                       // Window was cleaned up: it takes nothing any more
)

// Event is one decision, with what it was decided by. Times are milliseconds and watermarks are as splits promise them, without the millisecond that sessions run
// behind.
type Event struct {
	Decision Decision
	Key      string
	Window   window.TimeWindow
	Before   []window.TimeWindow
	// Record is the record that was decided about. For what time decided its Split and Offset are those of the record that moved the time: flow.NoSplit and 0 where
	// none did, offset -1 where only the split is known.
	Record flow.Meta
	// Watermark is the time it was decided by: math.MaxInt64 when the input had ended.
	Watermark int64
	FiresAt   int64 // the watermark at which Window is emitted
	ClosesAt  int64 // the watermark from which on Window takes nothing
	Count     int64 // records in Window
	Late      bool  // of Fired: a late record caused it
	Partial   bool  // of Fired: records of it may lie before the place where the log was begun
	Strict    bool  // of Refused: the strict rule refused it, whatever window is open
}

// Tracer is told of decisions. It may neither keep nor change the event.
type Tracer struct {
	Keys map[string]bool // keys that are traced; nil traces all
	Tell func(*Event)
	// Moved is the split and offset of the record that last moved the operator's time.
	Moved func() (split int32, offset int64)
}

// traces reports whether decisions about a key are to be told.
func (o *Operator[T, A]) traces(key string) bool {
	return o.Trace != nil && (o.Trace.Keys == nil || o.Trace.Keys[key])
}

// promised is the watermark of a split that is the operator's time w: what behind takes back.
func (o *Operator[T, A]) promised(w int64) int64 {
	if !o.merging || o.processing || w == math.MinInt64 || w == math.MaxInt64 {
		return w
	}
	return w + 1
}

// decidesAt says that decisions are now made at an operator's time: about a record, or nil where time itself is at work.
func (o *Operator[T, A]) decidesAt(now int64, m *flow.Meta) {
	if o.Trace != nil {
		o.now, o.cause = now, m
	}
}

func (o *Operator[T, A]) event(d Decision, e *keyed.Entry, w window.TimeWindow, count int64) Event {
	return Event{
		Decision: d, Key: strings.Clone(e.Key), Window: w, Count: count, Watermark: o.promised(o.now),
		FiresAt: o.promised(endable(w.MaxTimestamp())), ClosesAt: o.promised(endable(o.closing(w))),
	}
}

// tellRecord tells what was decided about a record. count is what the window held before it.
func (o *Operator[T, A]) tellRecord(d Decision, e *keyed.Entry, m *flow.Meta, w window.TimeWindow, before []window.TimeWindow, count int64) {
	switch {
	case d == Refused:
	case m.Retract:
		count--
	default:
		count++
	}
	event := o.event(d, e, w, count)
	event.Record, event.Before = *m, before
	event.Strict = d == Refused && o.closing(w) > o.now
	o.Trace.Tell(&event)
}

// tellTime tells what happened to a window. What a late record caused names that record, else the record that moved time.
func (o *Operator[T, A]) tellTime(d Decision, e *keyed.Entry, w window.TimeWindow, count int64, late bool) {
	event := o.event(d, e, w, count)
	event.Late, event.Partial = late, d == Fired && o.pane.Partial
	if o.cause != nil {
		event.Record = *o.cause
	} else {
		event.Record = flow.Meta{Timestamp: w.MaxTimestamp(), Origin: event.Watermark, Split: flow.NoSplit}
		if event.Watermark != math.MaxInt64 {
			event.Record.Split, event.Record.Offset = o.Trace.Moved()
		}
	}
	o.Trace.Tell(&event)
}

// joining is the decision about a record that touched so many open sessions.
func joining(sessions int) Decision {
	switch sessions {
	case 0:
		return Opened
	case 1:
		return Added
	}
	return Merged
}

// beforeOf is what a window that does not merge was before a record.
func beforeOf(d Decision, w window.TimeWindow) []window.TimeWindow {
	if d == Opened {
		return nil
	}
	return []window.TimeWindow{w}
}
