package stream

import (
	"math"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/window"
)

// TraceKind says what was decided.
type TraceKind uint8

const (
	TraceOpened      TraceKind = iota + 1 // a record opened Window
	TraceAdded                            // a record came into the window Before[0], which is Window since: a session may have grown by it
	TraceMerged                           // a record joined the sessions Before to one, Window
	TraceLate                             // no window took the record; Window is the latest that would have been its own
	TraceFired                            // Window was emitted
	TraceRetracted                        // what Window had shown is taken back: the TraceFired that follows replaces it
	TracePurged                           // the trigger dropped the contents of Window
	TraceRemoved                          // Window was cleaned up: from now on it takes nothing
	TraceQuarantined                      // the source held a record back whose timestamp lies too far in the future
	TraceUndecodable                      // the source could not decode a record
	TraceEnded                            // the input of a split ended: Watermark is the last one before, Offset the next record to read
)

var traceKinds = [...]string{"none", "opened", "added", "merged", "late", "fired", "retracted", "purged", "removed", "quarantined", "undecodable", "ended"}

// String is the kind as a word.
func (k TraceKind) String() string {
	if int(k) < len(traceKinds) {
		return traceKinds[k]
	}
	return "unknown"
}

// TraceEvent is one decision of the engine, with what it was decided by. Times are milliseconds since the Unix epoch; watermarks are watermark.Min before event time
// has begun and watermark.Max once the input has ended. They are as splits promise them, also for sessions, which run a millisecond behind: a session [start, end) is
// emitted when the watermark is end, any other window when it is end - 1.
type TraceEvent struct {
	Kind     TraceKind
	Operator string // its uid
	Key      string // its bytes; "" for what a source decided, which knows no keys
	Window   window.TimeWindow
	Before   []window.TimeWindow // the windows that became Window
	// Split and Offset are the record that was decided about. For what time decided they are the record that moved the time: Split is "" where none did, Offset -1 where
	// only the split is known, as behind an exchange.
	Split     string
	Offset    int64
	Timestamp int64 // the record's event time
	Origin    int64 // the watermark that the record's split had just before it
	Watermark int64 // the time that the decision was made by; higher than Origin only after idleness
	FiresAt   int64 // the watermark at which Window is emitted
	ClosesAt  int64 // the watermark from which on Window takes no record
	Records   int64 // in Window after the decision
	Late      bool  // of TraceFired and TraceRetracted: a late record caused it
	Partial   bool  // of TraceFired: records of Window may lie before the place where the job began
	Strict    bool  // of TraceLate: StrictLateness refused the record, whatever window was open
	Retract   bool  // the record takes an earlier one back
}

// Trace has tell called with each decision that windows make about the given keys, as bytes (of a string: the string itself), and with what sources hold back or cannot
// decode, and with the end of each split. Without keys all of them are traced. tell is called from the tasks' goroutines, several at once; for a key of one split
// in the order of the decisions. It holds up its task while it runs. Decisions about other keys cost a look-up each, jobs without Trace nothing but a comparison.
func Trace(keys []string, tell func(TraceEvent)) JobOption {
	t := &trace{tell: tell}
	if len(keys) > 0 {
		t.keys = map[string]bool{}
	}
	for _, k := range keys {
		t.keys[k] = true
	}
	return jobOption(func(c *config) { c.trace = t })
}

// trace is who is told of decisions; nil for nobody.
type trace struct {
	keys map[string]bool
	tell func(TraceEvent)
}

// windows is what tells of a window operator's decisions in a task.
func (t *trace) windows(uid string, task *runtime.Task) *windowing.Tracer {
	if t == nil {
		return nil
	}
	splits := task.Run().Splits
	return &windowing.Tracer{Keys: t.keys, Moved: task.Mover, Tell: func(e *windowing.Event) {
		name := ""
		if e.Record.Split != flow.NoSplit {
			name = splits.Name(e.Record.Split)
		}
		t.tell(TraceEvent{
			Kind: TraceKind(e.Decision), Operator: uid, Key: e.Key, Window: e.Window, Before: e.Before, Split: name, Offset: e.Record.Offset,
			Timestamp: e.Record.Timestamp, Origin: e.Record.Origin, Watermark: e.Watermark, FiresAt: e.FiresAt, ClosesAt: e.ClosesAt,
			Records: e.Count, Late: e.Late, Partial: e.Partial, Strict: e.Strict, Retract: e.Record.Retract,
		})
	}}
}

// source tells what a source decided about a record.
func (t *trace) source(kind TraceKind, uid string, task *runtime.Task, m *flow.Meta) {
	t.tell(TraceEvent{Kind: kind, Operator: uid, Split: task.Split().ID, Offset: m.Offset, Timestamp: m.Timestamp, Origin: m.Origin, Watermark: m.Origin})
}

// tracedFuture tells of records that are held back.
type tracedFuture[T any] struct {
	next  flow.Pusher[T]
	trace *trace
	task  *runtime.Task
	uid   string
}

func (o *tracedFuture[T]) Push(m *flow.Meta, v T) error {
	o.trace.source(TraceQuarantined, o.uid, o.task, m)
	return o.next.Push(m, v)
}

// end is a source's control, with what tells of its end before it.
func (t *trace) end(c flow.Control, task *runtime.Task, uid string) flow.Control {
	if t == nil {
		return c
	}
	return &tracedEnd{c, t, task, uid, math.MinInt64}
}

type tracedEnd struct {
	next      flow.Control
	trace     *trace
	task      *runtime.Task
	uid       string
	watermark int64
}

func (o *tracedEnd) Advance(w int64) error {
	if w == math.MaxInt64 && o.watermark != math.MaxInt64 {
		m := flow.Meta{Offset: o.task.Split().Position(), Timestamp: o.watermark, Origin: o.watermark}
		o.trace.source(TraceEnded, o.uid, o.task, &m)
	}
	o.watermark = w
	return o.next.Advance(w)
}
