package main

import (
	"context"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/millrace/millrace/examples/clickstream/internal/screen"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
)

// result is what a run came to.
type result struct {
	settings settings
	readers  string // the version that readers see; "" where no view tells
	stopped  bool   // by Ctrl-C
	dropped  bool   // because its version was
	events   int64
	sessions int64
	late     int64
	skewed   int64 // clicks too far in the future
	partial  int64 // sessions that may have begun before the place where reading began
	took     time.Duration
	state    stream.StateStats
	ledger   stream.Ledger
}

// finished reports whether there was nothing to do: an earlier run had read all.
func (r result) finished() bool {
	return r.settings.restored && !r.settings.noDrain && !r.stopped && r.events == 0 && r.sessions == 0
}

// follow runs the job and shows its progress, in its catalog too.
func (w *watched) follow(ctx context.Context, record *recording) (result, error) {
	begun := time.Now()
	every := w.every
	if every <= 0 {
		every = w.program.screen.Every()
	}
	bar := w.program.screen.Begin("Reading " + w.program.topic)
	ended := make(chan struct{})
	shown, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		record.watch(ctx, w.job, ended)
	}()
	go func() {
		defer close(shown)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if n := w.recorder.Now(); len(n.Splits) > 0 {
					bar.Set(w.shown(n))
				}
			case <-ended:
				return
			}
		}
	}()
	job := w.job
	err := w.recorder.Run(ctx)
	close(ended)
	<-shown
	<-watched
	r := result{
		stopped: ctx.Err() != nil, events: count(job, "records_in", "clicks"),
		late: count(job, "late", "session-analytics"), skewed: count(job, "quarantined", "clicks"), partial: count(job, "partial_panes", "session-analytics"),
		sessions: count(job, "panes", "session-analytics") - count(job, "retractions", "session-analytics"), took: time.Since(begun), state: job.StateStats(), ledger: job.Status().Ledger,
	}
	bar.Done(w.shown(w.recorder.Now()))
	return r, err
}

// shown is the job's progress on the screen: a bar while there is an end to reach, and the position and the lag of what follows the topic.
func (w *watched) shown(n progress.Now) screen.Progress {
	p := screen.Progress{Done: n.Read, Total: n.Total, Events: n.Events, Speed: w.speed(n)}
	if !n.Bounded && n.CaughtUp {
		p.Total = 0
	}
	return p
}

// speed is the job's pace in words.
func (w *watched) speed(n progress.Now) string {
	events := n.EventsPerSecond
	if n.State != progress.Running {
		events = n.MeanPerSecond
	}
	parts := []string{humanize.Comma(int64(events)) + " events/s"}
	add := func(text string) { parts = append(parts, text) }
	if n.State != progress.Running {
		return parts[0]
	}
	if n.Remaining > 0 {
		add((time.Duration(n.Remaining * float64(time.Second))).Round(time.Second).String() + " left")
	}
	if n.RowsPerSecond > 0 {
		add(humanize.Comma(int64(n.RowsPerSecond)) + " rows/s")
	}
	if !n.EventTime.IsZero() {
		add("event time " + n.EventTime.Format("2006-01-02 15:04:05"))
	}
	if !n.Bounded && n.CaughtUp && n.Lag > 0 {
		add(humanize.Comma(n.Lag) + " behind")
	}
	if w.limit != nil {
		if s := w.limit.State(); s.Events > 0 || s.Wanted.Bytes > 0 {
			add("limit " + s.String())
		}
	}
	return strings.Join(parts, ", ")
}

// count is one operator's counter.
func count(job watchable, name, operator string) (n int64) {
	for _, s := range job.Counters() {
		if s.Name == name && len(s.Labels) == 2 && s.Labels[1] == operator {
			n += s.Value
		}
	}
	return n
}
