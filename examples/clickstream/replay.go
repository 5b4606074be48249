package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/replay"
)

// replayOptions are the flags of replay as they were given.
type replayOptions struct {
	runOptions
	follow  bool
	inPlace bool
	pacing  pacing
	// What holds while history is read; zero values are those of the live phase.
	catchUp struct {
		parallelism     int
		checkpointEvery time.Duration
		batches         int
	}
	dryRun bool
	slice  string
	to     string
}

func newReplay(p *program) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay --version VERSION",
		Short: "Compute the sessions anew from the whole topic, beside the running job, as another version of the result",
		Long: `Read the topic from its beginning with another definition, or other code, into a version of the result of its own. The job that keeps
the present version goes on undisturbed: the replay has connections, a consumer group and a state of its own, and its pace can be bounded.

It ends at what was the end of the topic when it began, and closes the last sessions. With --follow they stay open, and it goes on with
the live topic from the very offsets where history ended, with the live settings in place of --catch-up-...; Ctrl-C ends it. Stopped or
killed, the same command goes on where it was.

--in-place replaces a version instead, whose job must have been stopped: the rows are computed into tables beside it, which take its
place in one step, so that no row of the old definition stays. With --no-drain its last sessions stay open, and run goes on with them.

--dry-run reads a part, writes nothing and leaves nothing behind, and tells how long the whole would take.

Afterwards compare tells what differs, and cutover shows readers the new version.`,
		Example: `  clickstream replay --version v2 --gap 15m --dry-run
  clickstream replay --version v2 --gap 15m --http :8081
  clickstream replay --version v2 --gap 15m --follow --rate 50000 --sink-latency 200ms`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.replay(cmd.Context(), o) },
	}
	p.clusterFlags(cmd)
	p.readerFlags(cmd)
	f := cmd.Flags()
	o.common(f, "")
	_ = cmd.MarkFlagRequired("version")
	f.BoolVar(&o.follow, "follow", false, "go on with the live topic when history has been read, without a gap")
	f.BoolVar(&o.inPlace, "in-place", false, "let what is computed take the place of the version's rows when it is complete")
	f.BoolVar(&o.noDrain, "no-drain", false, "keep the last sessions open at the end of the topic, so that run can go on with the version")
	o.pacing.flags(f)
	f.IntVar(&o.catchUp.parallelism, "catch-up-parallelism", 0, "--parallelism while history is read (default the same)")
	f.DurationVar(&o.catchUp.checkpointEvery, "catch-up-checkpoint-every", 0, "--checkpoint-every while history is read (default the same)")
	f.IntVar(&o.catchUp.batches, "catch-up-batches", 8, "how many times its usual size a sink's batch may grow to while history is read and the sink is busy")
	f.BoolVar(&o.dryRun, "dry-run", false, "read a part only, with no side effects, and tell what the whole would come to")
	f.StringVar(&o.slice, "slice", "1%", "with --dry-run: which share of each partition to read, from its middle, such as 1% or 0.01")
	f.StringVar(&o.from, "from", fromEarliest, "where to begin: earliest, or a time such as 2024-03-01T00:00:00Z; sessions near it may lack clicks and are counted")
	f.StringVar(&o.to, "to", "", "with --dry-run: where to end, a time such as 2024-04-01T00:00:00Z; the part between --from and --to in place of --slice")
	return cmd
}

// pacing bounds how fast history is read.
type pacing struct {
	events  float64
	bytes   string
	latency time.Duration
}

func (o *pacing) flags(f *pflag.FlagSet) {
	f.Float64Var(&o.events, "rate", 0, "clicks per second at most while history is read; 0 is as fast as possible. The page of --http can change it at any time")
	f.StringVar(&o.bytes, "rate-bytes", "", "bytes of clicks per second at most while history is read, such as 10MB")
	f.DurationVar(&o.latency, "sink-latency", 0, "slow down when writing a batch of rows takes longer than this, and speed up again when the sink recovers; 0 is never")
}

// limiter makes the limiter of the flags.
func (o *pacing) limiter() (*limit.Limiter, error) {
	var bytes uint64
	if o.bytes != "" {
		var err error
		if bytes, err = humanize.ParseBytes(o.bytes); err != nil {
			return nil, fmt.Errorf("--rate-bytes %s: use a size such as 10MB", o.bytes)
		}
	}
	if o.events < 0 || math.IsNaN(o.events) || o.latency < 0 {
		return nil, fmt.Errorf("--rate %g and --sink-latency %s must not be below zero", o.events, o.latency)
	}
	l := limit.New(limit.Rate{Events: o.events, Bytes: float64(bytes)})
	if o.latency == 0 {
		return l, nil
	}
	g, err := limit.NewGovernor(limit.Adaptive{Target: o.latency})
	if err != nil {
		return nil, err
	}
	return l.Govern(g), nil
}

func (o *replayOptions) check() error {
	switch {
	case o.to != "" && !o.dryRun:
		return errors.New("--to ends a --dry-run: a replay reads up to the end of the topic")
	case o.follow && (o.inPlace || o.noDrain):
		return errors.New("--follow goes on with the live topic: it takes neither --in-place nor --no-drain")
	case o.follow && o.dryRun:
		return errors.New("--dry-run ends where its part of the topic ends: it takes no --follow")
	case o.catchUp.parallelism < 0 || o.catchUp.checkpointEvery < 0:
		return fmt.Errorf("--catch-up-parallelism %d and --catch-up-checkpoint-every %s must not be below zero", o.catchUp.parallelism, o.catchUp.checkpointEvery)
	}
	return nil
}

func (p *program) replay(ctx context.Context, o replayOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.inPlace && !o.dryRun {
		return p.replaceInPlace(ctx, o)
	}
	s, err := o.resolve(p)
	if err != nil {
		return err
	}
	c, err := p.connectToClicks(ctx)
	if err != nil {
		return err
	}
	defer closing(c, &err)
	if o.dryRun {
		return p.dryRun(ctx, c, s, o)
	}
	_, err = p.replayOn(ctx, c, s, o)
	return err
}

// replayOn runs the replay and tells what came out.
func (p *program) replayOn(ctx context.Context, c *kafkaCluster, s settings, o replayOptions) (result, error) {
	limiter, err := o.pacing.limiter()
	if err != nil {
		return result{}, err
	}
	if s.restored {
		p.say("The replay of version %s goes on where it was.", s.version)
	}
	o.watching.limit, o.watching.follows = limiter, o.follow
	return p.compute(ctx, c, s, o.watching, func(to Outputs, record *recording) watchable {
		var r *replay.Replay
		r = replay.New(replay.Config{
			Follow: o.follow,
			Build:  func(ph replay.Phase) (*stream.Job, error) { return p.phase(c, s, o, ph, limiter, to) },
			Began: func(ph replay.Phase, _ *stream.Job) {
				if ph.Live {
					limiter.Set(limit.Rate{}) // the page may set another
					p.say("History has been read: version %s goes on with the live topic.", s.version)
				}
			},
			CaughtUp: func(ctx context.Context, _ []stream.SplitStatus) error { return record.report(ctx, r, true) },
		})
		return r
	})
}

// phase builds the job of a phase.
func (p *program) phase(c *kafkaCluster, s settings, o replayOptions, ph replay.Phase, limiter *limit.Limiter, to Outputs) (*stream.Job, error) {
	options := append(slices.Clip(s.jobOptions), ph.Options()...)
	options = append(options, stream.RateLimit(limiter))
	source := slices.Clip(s.sourceOptions)
	if !ph.Live {
		options = append(options, stream.SinkBatches(o.catchUp.batches))
		if n := o.catchUp.parallelism; n > 0 {
			options = append(options, stream.DefaultParallelism(n))
		}
		if d := o.catchUp.checkpointEvery; d > 0 {
			options = append(options, stream.CheckpointEvery(d))
		}
		source = append(source, kafka.UntilEnd())
	}
	job := stream.NewJob(jobName, options...)
	analyze(job, p.clicks(c, source...), s.definition, to)
	return job, nil
}
