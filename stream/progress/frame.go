package progress

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// frame is what a job said at one moment.
type frame struct {
	at       time.Time
	status   stream.Status
	counters []stream.Sample
	splits   map[string]stream.SplitStatus // by operator and ID
	tasks    map[string]stream.TaskStatus  // by operator and subtask
	sinks    map[string]stream.SinkStatus  // by operator, all subtasks together
	counts   map[string]int64              // by name and labels
}

func newFrame(at time.Time, job Job) *frame {
	f := &frame{at: at, status: job.Status(), counters: job.Counters(), counts: map[string]int64{}}
	f.splits, f.tasks, f.sinks = map[string]stream.SplitStatus{}, map[string]stream.TaskStatus{}, map[string]stream.SinkStatus{}
	for _, s := range f.status.Splits {
		f.splits[splitKey(s)] = s
	}
	for _, t := range f.status.Tasks {
		f.tasks[taskKey(t)] = t
	}
	for _, s := range f.status.Sinks {
		all := f.sinks[s.Operator]
		all.Writes, all.Failures, all.WriteTime = all.Writes+s.Writes, all.Failures+s.Failures, all.WriteTime+s.WriteTime
		f.sinks[s.Operator] = all
	}
	for _, c := range f.counters {
		f.counts[countKey(c)] = c.Value
	}
	return f
}

func splitKey(s stream.SplitStatus) string { return s.Operator + "\x00" + s.ID }

func taskKey(t stream.TaskStatus) string { return fmt.Sprint(t.Operator, "\x00", t.Subtask) }

func countKey(c stream.Sample) string {
	key := c.Name
	for _, l := range c.Labels {
		key += "\x00" + l
	}
	return key
}

// total is a counter's sum over all labels.
func (f *frame) total(name string) (n int64) {
	for _, c := range f.counters {
		if c.Name == name {
			n += c.Value
		}
	}
	return n
}

// events is what the sources took in.
func (f *frame) events() (n int64) {
	sources := map[string]bool{}
	for _, s := range f.status.Splits {
		sources[s.Operator] = true
	}
	for _, c := range f.counters {
		if c.Name == "records_in" && len(c.Labels) == 2 && sources[c.Labels[1]] {
			n += c.Value
		}
	}
	return n
}

// bounded reports whether all splits have a stop.
func (f *frame) bounded() bool {
	for _, s := range f.status.Splits {
		if s.Stop == source.Unbounded {
			return false
		}
	}
	return len(f.status.Splits) > 0
}

// settled reports whether there is nothing to read now.
func (f *frame) settled() bool {
	for _, s := range f.status.Splits {
		if !s.Finished && !s.AtEnd {
			return false
		}
	}
	return len(f.status.Splits) > 0
}

// moved reports whether a position changed since an earlier frame.
func (f *frame) moved(since *frame) bool {
	for key, s := range f.splits {
		if old, ok := since.splits[key]; !ok || old.Position != s.Position || old.Finished != s.Finished {
			return true
		}
	}
	return false
}

// instant is an event time; the zero time for the ends of time.
func instant(ms int64) time.Time {
	if ms == watermark.Min || ms == watermark.Max {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
