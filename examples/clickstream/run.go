package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/internal/target"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/limit"
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
` + target.Help() + `
Hourly metrics go to session_metrics, to PATH-metrics.csv, to DIR/session_metrics/v1, or to TOPIC-metrics.
A directory or prefix is never shared by two runs, and _SUCCESS in it says that a result is complete. The keys of an object store come from the environment
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or from ~/.aws/credentials.

A result has versions (--version, v1 by default): the same tables, computed by other definitions, side by side. In a database the rows of version v2 are
in tables called sessions_v2 and session_metrics_v2. In a path {version} stands for the version's name; without it the path is taken as it is.
Each version has a group of its own, sessions-v2.`,
		Example: `  clickstream run --until-end --sink csv:sessions.csv
  clickstream run --version v2 --gap 15m --until-end`,
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
	if o.noDrain && !o.untilEnd {
		return errors.New("--no-drain says what happens at the end of the topic: use it with --until-end")
	}
	s, err := o.resolve(p)
	if err != nil {
		return err
	}
	if err := p.ensureTopic(ctx, c, p.topic); err != nil {
		return err
	}
	if s.restored && o.from != fromEarliest {
		p.say("Group %s has saved state and goes on from there: --from %s is for new groups.", s.group, s.from)
	}
	if err := p.openClicks(ctx, c); err != nil {
		return err
	}
	o.watching.limit = limit.New(limit.Rate{}) // none, until somebody sets one on the page
	_, err = p.compute(ctx, c, s, o.watching, func(to Outputs, _ *recording) watchable {
		job := stream.NewJob(jobName, append(s.jobOptions, stream.RateLimit(o.watching.limit))...)
		analyze(job, p.clicks(c, s.sourceOptions...), s.definition, to)
		return job
	})
	return err
}

// clicks is the topic as a source. openClicks was called before.
func (p *program) clicks(c *kafkaCluster, options ...kafka.Option) source.Source[*pb.ClickEvent] {
	return kafka.Source(c.brokers, p.topic, c.clicks.Decoder(), append(options, kafka.Connect(c.config))...)
}

// explain adds what to do about the engine's refusals.
func (o *runOptions) explain(err error) error {
	switch {
	case errors.Is(err, stream.ErrFinished):
		return fmt.Errorf("%w\nGroup %s was run to the end, which closed its last sessions, so it takes no more clicks. "+
			"Compute everything again as another --version, or use --no-drain the next time you mean to go on later", err, o.group)
	case errors.Is(err, stream.ErrShape):
		return fmt.Errorf("%w\nGroup %s was begun with another definition. Compute this one beside it as another --version%s", err, o.group, stateRemedy(err))
	case errors.Is(err, stream.ErrLogCut):
		return fmt.Errorf("%w\nCompute everything that is left as another --version, or go on without what is gone by --%s. "+
			"What deletes clicks, clickstream topic check says", err, allowCutFlag)
	case errors.Is(err, stream.ErrMisplacedKey):
		return fmt.Errorf("%w\nThe clicks were not published by user_id with murmur2. Use --local-keys=false if each user is still in one partition", err)
	}
	return err
}
