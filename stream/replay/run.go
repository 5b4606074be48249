package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/stream"
)

// DefaultNear is Config.Near where it is zero.
const DefaultNear = 10_000

// mostRounds bounds the phases of history: a job that is slower than its log would never come near the end, and live settings will not be worse than these.
const mostRounds = 20

// Config says what to replay. Build is required.
type Config struct {
	// Build makes the job of a phase: the same graph, name and state directory each time, with the options of Phase.Options, and a source that is bounded
	// unless the phase is live. Everything else may differ from phase to phase.
	Build func(Phase) (*stream.Job, error)
	// Follow goes on live when history has been read.
	Follow bool
	// Near is how many records may be left to read when history hands over to live; 0 means DefaultNear.
	Near int64
	// Began, if not nil, is told of each phase's job before it runs.
	Began func(Phase, *stream.Job)
	// CaughtUp, if not nil, is called once: when what was the end of the log at the start has been read, and, without Follow, all windows are closed. at has
	// the positions where history ended. An error ends the replay.
	CaughtUp func(ctx context.Context, at []stream.SplitStatus) error
}

// Result tells how a replay went.
type Result struct {
	// Phase is the last one.
	Phase Phase
	// CaughtUp says that what was the end of the log at the start has been read.
	CaughtUp bool
	// HandOver has the positions at which history handed over to live; nil where it has not.
	HandOver []stream.SplitStatus
}

// Run replays until history has been read, or with Follow until ctx is done. When ctx is done the job stops in order, Run returns nil, and a later Run with the same
// state goes on. A replay that had ended before has nothing to do and succeeds; if the log has grown since, it is refused with stream.ErrFinished.
func Run(ctx context.Context, c Config) (Result, error) {
	if c.Near == 0 {
		c.Near = DefaultNear
	}
	r := Result{Phase: Phase{Round: 1, open: c.Follow}}
	for {
		job, err := c.run(ctx, r.Phase)
		if err != nil {
			return r, err
		}
		at := job.Status().Splits
		if r.Phase.Live || !finished(at) {
			return r, nil
		}
		if !r.CaughtUp {
			r.CaughtUp = true
			if c.CaughtUp != nil {
				if err := c.CaughtUp(ctx, at); err != nil {
					return r, fmt.Errorf("replay, after %s: %w", r.Phase, err)
				}
			}
		}
		if !c.Follow || ctx.Err() != nil {
			return r, nil
		}
		if left(at) > c.Near && r.Phase.Round < mostRounds {
			r.Phase.Round++
			continue
		}
		r.Phase.Live, r.HandOver = true, at
	}
}

// run builds and runs the job of a phase.
func (c *Config) run(ctx context.Context, p Phase) (*stream.Job, error) {
	job, err := c.Build(p)
	if err == nil && job == nil {
		err = errors.New("Build returned no job")
	}
	if err != nil {
		return nil, fmt.Errorf("replay, %s: %w", p, err)
	}
	if c.Began != nil {
		c.Began(p, job)
	}
	if err := job.Run(ctx); err != nil {
		return nil, fmt.Errorf("replay, %s: %w", p, err)
	}
	return job, nil
}

// finished reports whether every split has been read to its stop.
func finished(splits []stream.SplitStatus) bool {
	for _, s := range splits {
		if !s.Finished {
			return false
		}
	}
	return len(splits) > 0
}

// left is how many records had come by the last look at the log and are still to be read.
func left(splits []stream.SplitStatus) (n int64) {
	for _, s := range splits {
		n += max(0, s.LogEnd-s.Position)
	}
	return n
}
