package stream

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/savepoint"
)

// StopWithSavepoint stops the running job in order, as the end of Run's context does, and writes a savepoint of its state to dir, which must not exist or be empty: that
// is checked before the job is stopped. Windows stay open in the state and in the savepoint. Run returns nil when the savepoint is written.
//
// The savepoint is complete or absent: absent if the job fails first, or if the savepoint cannot be written; the error says why. Either way the job's own state
// is whole and a later Run goes on from it. When ctx is done first, its error is returned and the job stops, and the savepoint is written, all the same.
func (j *Job) StopWithSavepoint(ctx context.Context, dir string) (*savepoint.Manifest, error) {
	return j.stopInto(ctx, dir, false)
}

// DrainWithSavepoint is StopWithSavepoint that ends the input where it is, as Drain does: windows fire, and the savepoint is that of a finished job.
func (j *Job) DrainWithSavepoint(ctx context.Context, dir string) (*savepoint.Manifest, error) {
	return j.stopInto(ctx, dir, true)
}

// stopRequest is a call of StopWithSavepoint or DrainWithSavepoint.
type stopRequest struct {
	dir      string
	drain    bool
	done     chan struct{} // closed when the rest is set
	manifest *savepoint.Manifest
	err      error
}

func (j *Job) stopInto(ctx context.Context, dir string, drain bool) (*savepoint.Manifest, error) {
	if err := savepoint.Free(dir); err != nil {
		return nil, fmt.Errorf("job %q goes on: savepoint %s: %w", j.name, dir, err)
	}
	q, err := j.askStop(&stopRequest{dir: dir, drain: drain, done: make(chan struct{})})
	if err != nil {
		return nil, fmt.Errorf("job %q: savepoint %s: %w", j.name, dir, err)
	}
	select {
	case <-q.done:
		return q.manifest, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// askStop hands a request to the run, if there is one that takes any.
func (j *Job) askStop(q *stopRequest) (*stopRequest, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.asked == nil:
		return nil, ErrNotRunning
	case j.request != nil:
		return nil, fmt.Errorf("it is being stopped already, with a savepoint in %s", j.request.dir)
	}
	j.request = q
	close(j.asked)
	return q, nil
}

// takeRequests begins, and refuseRequests ends, the time in which a run can be asked to stop.
func (j *Job) takeRequests() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked, j.request = make(chan struct{}), nil
}

func (j *Job) refuseRequests() *stopRequest {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = nil
	return j.request
}

// requests is closed when a run is asked to stop; drains says how.
func (j *Job) requests() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.asked
}

func (j *Job) drains() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.request != nil && j.request.drain
}

// ended writes the savepoints that were asked for when a run has come to its end, and returns what Run does: an error of SavepointAtEnd is Run's, one of a request
// goes to who made it.
func (j *Job) ended(store state.Store, failed error) error {
	if q := j.refuseRequests(); q != nil {
		switch {
		case failed != nil:
			q.err = fmt.Errorf("job %q: there is no savepoint, since the job failed before it could be stopped: %w", j.name, failed)
		case q.drain && !j.finished():
			q.err = fmt.Errorf("job %q: there is no savepoint, since the job was stopped before it had drained", j.name)
		default:
			if q.manifest, q.err = savepoint.Write(store, q.dir); q.err != nil {
				q.err = fmt.Errorf("job %q has stopped, and its own state is whole: %w", j.name, q.err)
			}
		}
	}
	if failed != nil || j.cfg.savepointAtEnd == "" {
		return failed
	}
	m, err := savepoint.Write(store, j.cfg.savepointAtEnd)
	if err != nil {
		return fmt.Errorf("job %q has stopped, and its own state is whole: %w", j.name, err)
	}
	j.cfg.logger.Info("savepoint", "job", j.name, "dir", j.cfg.savepointAtEnd, "keys", m.Keys(), "files", len(m.Files))
	return nil
}

// answer gives who asked for a stop the result, when the state is closed and the job can be run again.
func (j *Job) answer() {
	j.mu.Lock()
	q := j.request
	j.request = nil
	j.mu.Unlock()
	if q != nil {
		close(q.done)
	}
}

// finished reports whether the last attempt drained its input.
func (j *Job) finished() bool {
	j.mu.Lock()
	r := j.run
	j.mu.Unlock()
	return r != nil && r.Finished()
}

// SavepointAtEnd has Run write a savepoint to dir when the job has ended in order: because its context is done, by Drain, or at the end of input. dir must not exist or be
// empty, which Run checks first. A job that fails leaves none.
func SavepointAtEnd(dir string) JobOption {
	return jobOption(func(c *config) { c.savepointAtEnd = dir })
}

// DrainAtStop has the end of Run's context end the input where it is, as Drain does: windows fire and the job is finished. By default they stay open in the state.
func DrainAtStop() JobOption { return jobOption(func(c *config) { c.drainAtStop = true }) }

// FromSavepoint has a job whose StateDir is missing or empty begin with what is in a savepoint. The job is compared with it first, by PlanState, and nothing is
// restored where that refuses. Where the StateDir has state the job goes on from that, so that the same program can be started again.
func FromSavepoint(dir string) JobOption {
	return jobOption(func(c *config) { c.fromSavepoint = dir })
}

// checkSavepoints is what is wrong with the options about state.
func (j *Job) checkSavepoints(add func(format string, args ...any)) {
	if j.cfg.fromSavepoint != "" && j.cfg.stateDir == "" {
		add("FromSavepoint: the job has no StateDir to restore to")
	}
	for _, uid := range slices.Sorted(maps.Keys(j.cfg.allow.New)) {
		if n := j.uids[uid]; n == nil || !n.keeps {
			add("NewState(%q): the job has no operator of that name with windows or keyed state", uid)
		}
	}
}

// prepareState looks at the savepoints that the options name before a run begins.
func (j *Job) prepareState() error {
	c := &j.cfg
	if c.savepointAtEnd != "" {
		if err := savepoint.Free(c.savepointAtEnd); err != nil {
			return fmt.Errorf("job %q: SavepointAtEnd: %s: %w", j.name, c.savepointAtEnd, err)
		}
	}
	if c.fromSavepoint == "" {
		return nil
	}
	if names, err := os.ReadDir(c.stateDir); err == nil && len(names) > 0 {
		c.logger.Info("the job has state of its own and goes on from that", "job", j.name, "dir", c.stateDir, "not from", c.fromSavepoint)
		return nil
	}
	sp, err := savepoint.Open(c.fromSavepoint)
	if err == nil {
		err = j.checkState(sp)
	}
	if err == nil {
		err = sp.Restore(c.backend, c.stateDir)
	}
	if err != nil {
		return fmt.Errorf("job %q: from savepoint %s: %w", j.name, c.fromSavepoint, err)
	}
	c.logger.Info("restored", "job", j.name, "from", c.fromSavepoint, "dir", c.stateDir, "keys", sp.Manifest().Keys())
	return nil
}

// stopIn stops a run in order when ctx is done or it is asked to, and reports whether that is bounded in time.
func (j *Job) stopIn(ctx context.Context, r *runtime.Run, ended <-chan struct{}) (bounded bool) {
	select {
	case <-ended:
		return false
	case <-ctx.Done():
		if j.cfg.drainAtStop {
			r.Drain()
		} else {
			r.Stop()
		}
		return true
	case <-j.requests():
	}
	if !j.drains() {
		r.Stop()
		return true
	}
	r.Drain()
	select { // windows may take their time, until somebody has no more patience
	case <-ended:
		return false
	case <-ctx.Done():
		r.Stop()
		return true
	}
}
