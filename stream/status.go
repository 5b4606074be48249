package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/watermark"
)

// SplitStatus is how far a split has come.
type SplitStatus = runtime.SplitStatus

// TaskStatus is what a task has done with its time.
type TaskStatus = runtime.TaskStatus

// PauseStatus is how often and for how long checkpoints stopped a task.
type PauseStatus = runtime.PauseStatus

// SinkStatus is what a sink's writer has done.
type SinkStatus = runtime.SinkStatus

// WriteBounds are the upper bounds of the classes of SinkStatus.Latency.
var WriteBounds = runtime.WriteBounds

// Status is where a job is. Its numbers count since the run, or its last restart, began.
type Status struct {
	Splits []SplitStatus
	Tasks  []TaskStatus
	Sinks  []SinkStatus
	// Ledger is what became of the records of each split, as of the last checkpoint. It counts since the job began, over all its runs.
	Ledger Ledger
	// Limit is the pace that RateLimit sets, nil without one.
	Limit *limit.State
	// Checkpoints are those of each commit unit: of the job, or of each partition.
	Checkpoints []CheckpointStatus
	// Images are those of the state, with Checkpoints.
	Images ImageStatus
	// Watermark is the event time up to which everything has been read: the minimum over the splits that count. It is watermark.Min when one
	// of them has not begun.
	Watermark int64
	// HeldBy is the split that holds the watermark, "" when nothing does.
	HeldBy string
}

// Status tells where the running job, or its last run, is.
func (j *Job) Status() Status {
	j.mu.Lock()
	r := j.run
	j.mu.Unlock()
	if r == nil {
		return Status{Watermark: watermark.Min}
	}
	s := statusOf(r)
	if j.cfg.limiter != nil {
		l := j.cfg.limiter.State()
		s.Limit = &l
	}
	return s
}

func statusOf(r *runtime.Run) Status {
	s := Status{Splits: r.Splits.Status(), Tasks: r.Tasks(), Sinks: r.Sinks(), Ledger: r.Ledger(), Checkpoints: r.Checkpoints(), Images: r.Images(), Watermark: watermark.Max}
	for _, p := range s.Splits {
		if !p.Finished && !p.Idle && p.Watermark <= s.Watermark {
			if p.Watermark < s.Watermark || s.HeldBy == "" {
				s.Watermark, s.HeldBy = p.Watermark, p.ID
			}
		}
	}
	return s
}

// recordsRead is what the run's sources have read.
func recordsRead(r *runtime.Run) (n int64) {
	for _, s := range r.Splits.Status() {
		n += s.Records
	}
	return n
}

// report logs where the job is, and why nothing fires when time stands still.
func (j *Job) report(ctx context.Context, r *runtime.Run) {
	var last Status
	last.Watermark = watermark.Max
	for {
		ring, stop := j.cfg.clock.After(j.cfg.statusEvery)
		select {
		case <-ring:
		case <-ctx.Done():
			stop()
			return
		}
		s := statusOf(r)
		args := []any{"job", j.name, "records", recordsRead(r), "watermark", FormatTime(s.Watermark)}
		if s.Watermark == last.Watermark && s.HeldBy != "" {
			j.cfg.logger.Warn("event time stands still", append(args, "held by", s.HeldBy, "because", s.reason())...)
		} else {
			j.cfg.logger.Info("running", args...)
		}
		last = s
	}
}

// reason says in words why the holding split does not move.
func (s Status) reason() string {
	for _, p := range s.Splits {
		if p.ID != s.HeldBy {
			continue
		}
		switch {
		case p.AtEnd && p.Records == 0:
			return "it has no records; set an idleness in the watermark strategy if it may stay empty"
		case p.AtEnd:
			return "it has no new records; set an idleness in the watermark strategy if it may fall silent"
		case p.Paused:
			return "it waits for slower splits"
		case p.Limited:
			return "it is held by the rate limit"
		default:
			return "it is being read"
		}
	}
	return ""
}

// FormatTime prints event time in milliseconds as RFC 3339, the ends of time in words.
func FormatTime(ms int64) string {
	switch ms {
	case watermark.Min:
		return "not begun"
	case watermark.Max:
		return "end of input"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// StateStats is what keyed state did in a run.
type StateStats struct {
	Keys      int   // in memory at the end
	Reads     int64 // keys read from the backend because they were not in memory
	Evictions int64 // keys that left memory
}

// StateStats tells what keyed state did in the job's last finished run.
func (j *Job) StateStats() StateStats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

func stateStats(r *runtime.Run) StateStats {
	s := r.StateStats()
	return StateStats{Keys: s.Entries, Reads: s.Reads, Evictions: s.Evictions}
}

func (s StateStats) String() string {
	return fmt.Sprintf("%d keys in memory, %d read from disk, %d evicted", s.Keys, s.Reads, s.Evictions)
}
