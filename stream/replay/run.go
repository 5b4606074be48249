package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
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

// Replay is a job in phases. Like a job it can be watched while it runs: by a progress.Recorder, on a page. All methods but Run, which is called once, are safe for
// concurrent use.
type Replay struct {
	c Config

	mu     sync.Mutex
	result Result
	job    *stream.Job // of the phase; nil before the first
	past   counts      // of the phases before
}

// New makes a Replay.
func New(c Config) *Replay {
	if c.Near == 0 {
		c.Near = DefaultNear
	}
	return &Replay{c: c, result: Result{Phase: Phase{Round: 1, open: c.Follow}}}
}

// Run replays until history has been read, or with Follow until ctx is done. When ctx is done the job stops in order, Run returns nil, and another Replay with the
// same state goes on. A replay that had ended before has nothing to do and succeeds; if the log has grown since, it is refused with stream.ErrFinished.
func (r *Replay) Run(ctx context.Context) error {
	for {
		at, err := r.run(ctx)
		if err != nil {
			return err
		}
		more, err := r.next(ctx, at)
		if !more || err != nil {
			return err
		}
	}
}

// run builds and runs the job of the phase, and tells where it ended.
func (r *Replay) run(ctx context.Context) ([]stream.SplitStatus, error) {
	p := r.Result().Phase
	job, err := r.c.Build(p)
	if err == nil && job == nil {
		err = errors.New("Build returned no job")
	}
	if err != nil {
		return nil, fmt.Errorf("replay, %s: %w", p, err)
	}
	r.mu.Lock()
	if r.job != nil {
		r.past.add(r.job.Counters())
	}
	r.job = job
	r.mu.Unlock()
	if r.c.Began != nil {
		r.c.Began(p, job)
	}
	if err := job.Run(ctx); err != nil {
		return nil, fmt.Errorf("replay, %s: %w", p, err)
	}
	return job.Status().Splits, nil
}

// next decides what follows a phase that ended at these positions.
func (r *Replay) next(ctx context.Context, at []stream.SplitStatus) (more bool, err error) {
	was := r.Result()
	if was.Phase.Live || !finished(at) {
		return false, nil
	}
	if !was.CaughtUp && r.c.CaughtUp != nil {
		if err := r.c.CaughtUp(ctx, at); err != nil {
			return false, fmt.Errorf("replay, after %s: %w", was.Phase, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.CaughtUp = true
	switch {
	case !r.c.Follow || ctx.Err() != nil:
		return false, nil
	case left(at) > r.c.Near && r.result.Phase.Round < mostRounds:
		r.result.Phase.Round++
	default:
		r.result.Phase.Live, r.result.HandOver = true, at
	}
	return true, nil
}

// Result tells how the replay stands.
func (r *Replay) Result() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result
}

// current is the phase's job, nil before the first.
func (r *Replay) current() *stream.Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.job
}

// Status is that of the phase's job.
func (r *Replay) Status() stream.Status {
	if j := r.current(); j != nil {
		return j.Status()
	}
	return stream.Status{Watermark: watermark.Min}
}

// StateStats is that of the last phase's job.
func (r *Replay) StateStats() stream.StateStats {
	if j := r.current(); j != nil {
		return j.StateStats()
	}
	return stream.StateStats{}
}

// Counters adds those of all phases up.
func (r *Replay) Counters() []stream.Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.job == nil {
		return nil
	}
	return r.past.plus(r.job.Counters())
}

// Graph is that of the phase's job.
func (r *Replay) Graph() ([]stream.Operator, error) {
	if j := r.current(); j != nil {
		return j.Graph()
	}
	return nil, nil
}

// Plan is that of the phase's job.
func (r *Replay) Plan() (string, error) {
	if j := r.current(); j != nil {
		return j.Plan()
	}
	return "", nil
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
