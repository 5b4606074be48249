package progress

import (
	"time"

	"github.com/millrace/millrace/stream"
)

// look makes Now of a frame, an earlier one for the rates, and the point of the frame.
func (r *Recorder) look(f, back *frame, p Point, live float64) Now {
	seconds := f.at.Sub(back.at).Seconds()
	n := Now{
		Name: r.name, State: r.state, At: f.at, Started: r.started, Events: p.Events, Bytes: p.Bytes, Rows: p.Rows, Bounded: f.bounded(),
		Read: p.Read, Total: p.Total, Lag: -1, LivePerSecond: live, EventTime: instant(f.status.Watermark), HeldBy: f.status.HeldBy, Moved: r.moved, Problem: r.problem,
	}
	if r.err != nil {
		n.Error = r.err.Error()
	}
	if ran := f.at.Sub(r.started).Seconds(); ran > 0 {
		n.MeanPerSecond = float64(p.Events-r.base.Events) / ran
	}
	if seconds > 0 {
		n.EventsPerSecond = float64(f.events()-back.events()) / seconds
		n.RowsPerSecond = float64(f.total("rows_written")-back.total("rows_written")) / seconds
		if old, ok := r.series.before(f.at.Sub(back.at)); ok && old.At < p.At {
			n.BytesPerSecond = 1000 * float64(p.Bytes-old.Bytes) / float64(p.At-old.At)
		}
	}
	if p.Total > 0 {
		n.Lag = max(0, p.Total-p.Read)
		r.done = max(r.done, share(p.Read, p.Total))
	}
	n.Done = r.done
	n.CaughtUp = f.settled() || n.Lag >= 0 && float64(n.Lag) <= max(fewRecords, closeEnough*n.LivePerSecond)
	n.Remaining = r.remaining(p, n.LivePerSecond, n.Bounded)
	for _, s := range f.status.Splits {
		n.Splits = append(n.Splits, r.split(s, back.splits[splitKey(s)], seconds, f.status.HeldBy))
	}
	for _, t := range f.status.Tasks {
		n.Tasks = append(n.Tasks, task(t, back.tasks[taskKey(t)]))
	}
	n.Sinks = sinks(f, back, seconds)
	for _, c := range f.counters {
		n.Counters = append(n.Counters, count(c, back.counts[countKey(c)], seconds))
	}
	n.Totals = Tally{
		Late: f.total("late"), Quarantined: f.total("quarantined"), Undecodable: f.total("undecodable"), Retractions: f.total("retractions"),
		Retries: f.total("retries"), Restarts: f.total("restarts"),
	}
	if number := f.total("checkpoints"); number != r.commits.Number {
		r.commits = Checkpoint{number, f.at, f.total("checkpoint_bytes")}
	}
	n.Last = r.commits
	return n
}

func (r *Recorder) split(s, old stream.SplitStatus, seconds float64, heldBy string) Split {
	out := Split{
		Operator: s.Operator, ID: s.ID, Start: r.start(s), Position: s.Position, End: end(s), Lag: -1, Records: s.Records, EventTime: instant(s.Watermark), Holds: s.ID == heldBy,
	}
	if out.End >= 0 {
		out.Lag = max(0, out.End-s.Position)
	}
	if seconds > 0 && s.Records >= old.Records {
		out.PerSecond = float64(s.Records-old.Records) / seconds
	}
	switch {
	case s.Finished:
		out.State, out.Why = "finished", "its end has been reached"
	case s.Paused:
		out.State, out.Why = "paused", "it is ahead in event time and waits for slower splits"
	case s.Limited:
		out.State, out.Why = "limited", "the rate limit holds it"
	case s.Idle:
		out.State, out.Why = "idle", "it is silent and does not hold event time back"
	case s.AtEnd && s.Records == 0:
		out.State, out.Why = "at the end", "it has no records"
	case s.AtEnd:
		out.State, out.Why = "at the end", "it has no new records"
	default:
		out.State, out.Why = "reading", "it is being read"
	}
	if out.Holds && s.AtEnd {
		out.Why += "; event time waits for it: set an idleness in the watermark strategy if it may stay silent"
	}
	return out
}

// task is what a task did since an earlier look; all of it since the job's restart, if there was one in between.
func task(t, old stream.TaskStatus) Task {
	out := Task{Operator: t.Operator, Subtask: t.Subtask}
	if t.Busy < old.Busy || t.Idle < old.Idle || t.Blocked < old.Blocked || t.Paused < old.Paused {
		old = stream.TaskStatus{}
	}
	busy, idle, blocked, paused := t.Busy-old.Busy, t.Idle-old.Idle, t.Blocked-old.Blocked, t.Paused-old.Paused
	if all := (busy + idle + blocked + paused).Seconds(); all > 0 {
		out.Busy, out.Idle, out.Blocked, out.Paused = busy.Seconds()/all, idle.Seconds()/all, blocked.Seconds()/all, paused.Seconds()/all
	}
	return out
}

// sinks are those that have rows, or whose writer is open.
func sinks(f, back *frame, seconds float64) (out []Sink) {
	for _, c := range f.counters {
		if c.Name != "rows_written" || len(c.Labels) != 2 {
			continue
		}
		k := count(c, back.counts[countKey(c)], seconds)
		s := f.sinks[c.Labels[1]]
		one := Sink{Operator: c.Labels[1], Rows: c.Value, PerSecond: k.PerSecond, Writes: s.Writes, Failures: s.Failures, Latency: -1}
		old := back.sinks[one.Operator]
		if old.Writes >= s.Writes { // none of late, or the job restarted: all since then
			old = stream.SinkStatus{}
		}
		if n := s.Writes - old.Writes; n > 0 {
			one.Latency = (s.WriteTime - old.WriteTime).Seconds() * 1000 / float64(n)
		}
		out = append(out, one)
	}
	return out
}

func count(c stream.Sample, old int64, seconds float64) Count {
	out := Count{Name: c.Name, Value: c.Value}
	if len(c.Labels) >= 2 {
		out.Label, out.Of = c.Labels[0], c.Labels[1]
	}
	if seconds > 0 {
		out.PerSecond = float64(c.Value-old) / seconds
	}
	return out
}

// Ago is how long before now something was; zero for the zero time.
func (n Now) Ago(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return n.At.Sub(t)
}
