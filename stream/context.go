package stream

import (
	"log/slog"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/watermark"
)

// Context is what a Function sees of the record or timer at hand. It belongs to the function's task and is valid during the call.
type Context struct {
	task  *runtime.Task
	job   *Job
	uid   string
	meta  *flow.Meta
	keyed *keyedContext // nil where the stream is not keyed
	// now is the operator's own watermark.
	now int64

	// For ResultID.
	pane    *paneAtHand // nil where no windows are read
	timer   timerAtHand
	emitted *int64 // results of this call so far
	calls   occurrences
	asked   int64 // the occurrence that this call has; -1 before it asked
}

// Timestamp is the event time of the record; of a window, its last millisecond.
func (c *Context) Timestamp() time.Time { return time.UnixMilli(c.meta.Timestamp) }

// Watermark is the event time that counts for the record, in milliseconds: what its own split had promised before it. It is a function of the
// log. It is watermark.Min before anything was promised.
func (c *Context) Watermark() int64 { return c.meta.Origin }

// CurrentWatermark is the task's own event time, in milliseconds. It depends on how splits interleave: results that use it are not a function of the log.
func (c *Context) CurrentWatermark() int64 {
	if c.keyed != nil {
		return c.keyed.watermark
	}
	return c.now
}

// ProcessingTime is the wall clock. Results that use it are not a function of the log.
func (c *Context) ProcessingTime() time.Time { return c.task.Clock.Now() }

// Position is the split and offset of the record; "" for what no single record caused.
func (c *Context) Position() (split string, offset int64) {
	if c.meta.Split == flow.NoSplit {
		return "", 0
	}
	return c.task.Run().Splits.Name(c.meta.Split), c.meta.Offset
}

// SetEventTimer asks for OnTimer when event time reaches at. A key has one timer for a time, however often it is set.
func (c *Context) SetEventTimer(at time.Time) {
	c.timers().set(eventTimers, flow.Millis(at), c.meta.Origin)
}

// DeleteEventTimer takes SetEventTimer back.
func (c *Context) DeleteEventTimer(at time.Time) { c.timers().remove(eventTimers, flow.Millis(at)) }

// SetProcessingTimer asks for OnTimer when the wall clock reaches at.
func (c *Context) SetProcessingTimer(at time.Time) {
	c.timers().set(processingTimers, flow.Millis(at), watermark.Min)
}

// DeleteProcessingTimer takes SetProcessingTimer back.
func (c *Context) DeleteProcessingTimer(at time.Time) {
	c.timers().remove(processingTimers, flow.Millis(at))
}

func (c *Context) timers() *keyedContext {
	if c.keyed == nil || c.keyed.timers == nil {
		panic("stream: timers belong to a function on a KeyedStream that has OnTimer")
	}
	return c.keyed
}

// OpenContext is what a Function sees in Open.
type OpenContext struct {
	task  *runtime.Task // nil when a plan asks what is declared
	job   *Job
	uid   string
	keyed *keyedContext
}

// Subtask is the number of the function's task: of its partition where it is fused with a source.
func (c *OpenContext) Subtask() int {
	if c.task == nil {
		return 0
	}
	return c.task.Subtask
}

// Planning reports that Open is called to learn what state the function declares, for PlanState. No record follows, Close does: what is opened for records alone
// can be left out.
func (c *OpenContext) Planning() bool { return c.task == nil }

// Logger logs with the operator's name and subtask.
func (c *OpenContext) Logger() *slog.Logger {
	if c.task == nil {
		return c.job.cfg.logger.With("job", c.job.name, "operator", c.uid)
	}
	return c.task.Logger.With("operator", c.uid)
}

// Counter makes a counter labelled with the operator's name.
func (c *OpenContext) Counter(name string) Counter {
	return c.job.cfg.meter.Counter(name, "operator", c.uid)
}
