package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/topic"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/replay"
)

// dryRun runs the job over a part of the topic, with sinks that discard and a state that is thrown away, and tells what the whole would come to.
func (p *program) dryRun(ctx context.Context, c *kafkaCluster, s settings, o replayOptions) (err error) {
	limiter, err := o.pacing.limiter()
	if err != nil {
		return err
	}
	sample, positions, err := p.sample(ctx, c, o)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "clickstream-dry-run-")
	if err != nil {
		return err
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
	}()
	to := Outputs{
		Sessions: replay.Discard[Session](true),
		Metrics:  replay.Discard[HourMetrics](true),
	}
	job := stream.NewJob(jobName, append(s.jobOptions, stream.StateDir(dir), stream.NoDrain())...)
	analyze(job, sample, s.definition, to)
	w, err := p.watch(job, watching{})
	if err != nil {
		return err
	}
	e, err := replay.Measure(ctx, measured{job, w}, positions)
	if err != nil {
		return s.explain(err)
	}
	size, err := disk.Size(dir)
	if err != nil {
		return err
	}
	p.report(e, size, limiter.Wanted().Events, o)
	return nil
}

// measured is a job that shows its progress while it runs.
type measured struct {
	*stream.Job
	watched *watched
}

func (m measured) Run(ctx context.Context) error {
	_, err := m.watched.follow(ctx, nil)
	return err
}

// sample is the part of the topic to read, with how much it and the whole are.
func (p *program) sample(ctx context.Context, c *kafkaCluster, o replayOptions) (source.Source[*pb.ClickEvent], func() (slice, whole int64), error) {
	if o.to == "" && o.from == fromEarliest {
		fraction, err := parseShare(o.slice)
		if err == nil && fraction == 0 {
			err = errors.New("nothing would be read")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("--slice %s: %w", o.slice, err)
		}
		sliced := replay.Slice(p.clicks(c, kafka.UntilEnd()), fraction)
		return sliced, sliced.Positions, nil
	}
	options, err := part(o.from, o.to)
	if err != nil {
		return nil, nil, err
	}
	extents, err := topic.Extents(ctx, c.brokers, p.topic, c.config)
	if err != nil {
		return nil, nil, err
	}
	var whole int64
	for _, e := range extents {
		whole += e.To - e.From
	}
	sliced := replay.Slice(p.clicks(c, options...), 1)
	return sliced, func() (int64, int64) {
		slice, _ := sliced.Positions()
		return slice, whole
	}, nil
}

// report prints an estimate.
func (p *program) report(e replay.Estimate, stateBytes int64, rate float64, o replayOptions) {
	t := newSummary()
	t.section("Dry run: nothing was written")
	t.row("clicks", "%s of the topic's %s (%.2g %%), in %s", humanize.Comma(e.Records), humanize.Comma(e.LogRecords), 100*share(e.Records, e.LogRecords), e.Took.Round(time.Millisecond))
	t.row("rate", "%s clicks/s", humanize.Comma(int64(e.Rate)))
	t.row("late", "%s (%.3g %%)", humanize.Comma(e.Late), 100*e.LateShare())
	if bad := e.Undecodable + e.Quarantined; bad > 0 {
		t.row("put aside", "%s not decodable, %s more than a day ahead of their record's time", humanize.Comma(e.Undecodable), humanize.Comma(e.Quarantined))
	}
	t.row("state", "%s users with open sessions at the end of the part; %s on disk, %s of heap at most", humanize.Comma(int64(e.Keys)), humanize.IBytes(uint64(stateBytes)), humanize.IBytes(e.PeakHeap))
	t.section("The whole topic")
	t.row("rows", "about %s", humanize.Comma(e.LogRows))
	switch {
	case e.Whole == 0:
		t.row("time", "unknown: the part was over before its speed could be told; use a larger --slice")
	case rate > 0:
		t.row("time", "about %s at --rate %g (%s without)", rounded(e.WholeAt(rate)), rate, rounded(e.Whole))
	default:
		t.row("time", "about %s", rounded(e.Whole))
	}
	if rows := e.Rate * share(e.LogRows, e.LogRecords); e.Whole > 0 {
		if rate > 0 {
			rows = min(rows, rate*share(e.LogRows, e.LogRecords))
		}
		t.row("sink", "must take %s rows/s for that: its time is not in the estimate", humanize.Comma(int64(rows)))
	}
	p.say("\n%s", t.render())
	if e.Short && e.Whole > 0 {
		p.say("The part took less than a second, which makes a rough estimate: use a larger --slice.")
	}
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// rounded is a duration as people say it.
func rounded(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Minute:
		return d.Round(time.Minute)
	case d > 10*time.Second:
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}
