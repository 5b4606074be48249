package main

import (
	"context"
	"time"

	"github.com/millrace/millrace/examples/clickstream/internal/screen"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// result is what a run came to.
type result struct {
	settings settings
	readers  string // the version that readers see; "" where no view tells
	stopped  bool   // by Ctrl-C
	events   int64
	sessions int64
	late     int64
	skewed   int64 // clicks too far in the future
	partial  int64 // sessions that may have begun before the place where reading began
	took     time.Duration
	state    stream.StateStats
}

// finished reports whether there was nothing to do: an earlier run had read all.
func (r result) finished() bool {
	return r.settings.restored && !r.settings.noDrain && !r.stopped && r.events == 0 && r.sessions == 0
}

// follow runs the job and shows its progress, so often; 0 leaves that to the screen.
func (p *program) follow(ctx context.Context, job *stream.Job, every time.Duration, record *recording) (result, error) {
	begun := time.Now()
	if every <= 0 {
		every = p.screen.Every()
	}
	bar := p.screen.Begin("Reading " + p.topic)
	ended := make(chan struct{})
	shown, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		record.watch(ctx, job, ended)
	}()
	go func() {
		defer close(shown)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if progress, ok := progressOf(job); ok {
					bar.Set(progress)
				}
			case <-ended:
				return
			}
		}
	}()
	err := job.Run(ctx)
	close(ended)
	<-shown
	<-watched
	r := result{
		stopped: ctx.Err() != nil, events: count(job, "records_in", "clicks"),
		late: count(job, "late", "session-analytics"), skewed: count(job, "quarantined", "clicks"), partial: count(job, "partial_panes", "session-analytics"),
		sessions: count(job, "panes", "session-analytics") - count(job, "retractions", "session-analytics"), took: time.Since(begun), state: job.StateStats(),
	}
	progress, _ := progressOf(job)
	bar.Done(progress)
	return r, err
}

// progressOf adds up the offsets of all partitions, and where there is no end tells how far event time has come; ok is false before the job has found its
// partitions.
func progressOf(job *stream.Job) (p screen.Progress, ok bool) {
	status := job.Status()
	for _, s := range status.Splits {
		p.Done += s.Position
		if s.Stop != source.Unbounded {
			p.Total += max(s.Stop, s.Position)
		}
	}
	if p.Total == 0 && status.Watermark != watermark.Min {
		p.Note = "event time " + stream.FormatTime(status.Watermark)
	}
	p.Events = count(job, "records_in", "clicks")
	return p, len(status.Splits) > 0
}

// count is one operator's counter.
func count(job *stream.Job, name, operator string) (n int64) {
	for _, s := range job.Counters() {
		if s.Name == name && len(s.Labels) == 2 && s.Labels[1] == operator {
			n += s.Value
		}
	}
	return n
}
