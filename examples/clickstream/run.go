package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/stream"
)

// How long to wait before a failed job starts again from its last checkpoint.
const (
	firstRestart = time.Second
	lastRestart  = 30 * time.Second
	calm         = 5 * time.Minute
)

func newRun(p *program) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Compute sessions from the topic into a table, a file or another topic",
		Long: `Read the clicks and write one row per session, and one per hour of metrics beside it.

The job keeps its place and its open sessions in DATA/state/GROUP. However it ends (Ctrl-C, kill -9, power failure), the same
command goes on where it was, and the table comes out the same. Without --until-end it runs until Ctrl-C.

Where sessions go (--sink):
  sqlite:PATH?table=T     a table of a SQLite file; it and the table are created if missing
  postgres://...?table=T  a table of a PostgreSQL database, created if missing; the password may come from PGPASSWORD
  csv:PATH, jsonl:PATH    a file, which appears when the job has ended
  kafka:TOPIC             a topic of the same cluster, JSON keyed by user and start
  print:                  standard output
Hourly metrics go to the table session_metrics, to PATH-metrics.csv, or to TOPIC-metrics.`,
		Example: `  clickstream run --until-end --sink csv:sessions.csv
  clickstream run --group gap15 --gap 15m --until-end --sink 'sqlite:data/clickstream.db?table=sessions_15m' --metrics-table metrics_15m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context(), o) },
	}
	p.clusterFlags(cmd)
	p.readerFlags(cmd)
	o.flags(cmd.Flags())
	return cmd
}

func (p *program) run(ctx context.Context, o runOptions) (err error) {
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	return p.runOn(ctx, c, o)
}

// runOn finds the topic, tries the sinks, runs the job and tells what came out.
func (p *program) runOn(ctx context.Context, c *kafkaCluster, o runOptions) (err error) {
	s, err := o.resolve(p)
	if err != nil {
		return err
	}
	if err := p.ensureTopic(ctx, c, p.topic); err != nil {
		return err
	}
	if s.restored && o.from != fromEarliest {
		p.say("Group %s has saved state and goes on from there: --from %s is for new groups.", o.group, o.from)
	}
	clicks, err := p.openFormat()
	if err != nil {
		return err
	}
	defer closing(clicks, &err)
	if err := clicks.checkReader(ctx, p); err != nil {
		return err
	}
	to, err := p.outputs(ctx, c, s)
	if err != nil {
		return err
	}
	job := stream.NewJob("session-analytics", s.jobOptions...)
	analyze(job, kafka.Source(c.brokers, p.topic, clicks.Decoder(), s.sourceOptions...), s.definition, to)
	r, err := p.follow(ctx, job, o.progressEvery)
	r.settings = s
	if err != nil {
		return o.explain(err)
	}
	return p.summarize(ctx, r)
}

// explain adds what to do about the engine's refusals.
func (o *runOptions) explain(err error) error {
	switch {
	case errors.Is(err, stream.ErrFinished):
		return fmt.Errorf("%w\nGroup %s was run to the end, which closed its last sessions, so it takes no more clicks. "+
			"Compute everything again as another --group, or use --no-drain the next time you mean to go on later", err, o.group)
	case errors.Is(err, stream.ErrShape):
		return fmt.Errorf("%w\nGroup %s was begun with another definition. Use another --group, and another table, for this one", err, o.group)
	case errors.Is(err, stream.ErrMisplacedKey):
		return fmt.Errorf("%w\nThe clicks were not published by user_id with murmur2. Use --local-keys=false if each user is still in one partition", err)
	}
	return err
}
