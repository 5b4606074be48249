package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/version"
)

// recordEvery is how often a running job tells the catalog how far it has come.
const recordEvery = 2 * time.Second

// errDropped is why a job stops whose version was dropped or replaced.
var errDropped = errors.New("the version was dropped or replaced")

// String is the definition for people; what cannot change a result is left out.
func (d Definition) String() string {
	return fmt.Sprintf("gap=%s out-of-orderness=%s lateness=%s", short(d.Gap), short(d.OutOfOrderness), short(d.Lateness))
}

// short is a duration without minutes and seconds that are zero: 30m, not 30m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// recording is a job's entry in the catalog of versions. A nil one, of a job that prints, does nothing.
type recording struct {
	catalog version.Catalog
	version version.Version
	readers string // what readers see: the name of a version
	stop    context.CancelCauseFunc
	warn    func(format string, args ...any)
}

// record enters the version into its catalog, or finds it there, and shows it to readers if there is none else. It returns the job's context, which ends when
// the version does.
func (p *program) record(ctx context.Context, c *kafkaCluster, s settings) (*recording, context.Context, error) {
	if s.sessions.Place() == "" {
		return nil, ctx, nil
	}
	catalog, err := s.sessions.Catalog(p.data)
	if err != nil {
		return nil, ctx, err
	}
	r := &recording{catalog: catalog, warn: p.say}
	if err := r.begin(ctx, p, c, s); err != nil {
		return nil, ctx, errors.Join(err, catalog.Close())
	}
	ctx, r.stop = context.WithCancelCause(ctx)
	return r, ctx, nil
}

func (r *recording) begin(ctx context.Context, p *program, c *kafkaCluster, s settings) (err error) {
	list, err := r.catalog.List(ctx)
	if err != nil {
		return err
	}
	if err := p.guardHistory(ctx, c, s, list); err != nil {
		return err
	}
	wanted := version.Version{
		Name: s.version, Tables: map[string]string{s.sessions.Reader: s.sessions.Place(), s.metrics.Reader: s.metrics.Place()},
		Definition: s.definition.String(), Job: jobName, Group: s.group,
	}
	if s.late.Same(s.sessions) {
		wanted.Tables[s.late.Reader] = s.late.Place()
	}
	found, ok := list.Version(s.version)
	if ok && !s.restored && !s.sessions.Database() && s.sessions.Topic() == "" {
		// A file that was moved away: what the catalog says of it is of the past.
		if err := r.catalog.Drop(ctx, s.version); err != nil {
			return err
		}
		ok = false
	}
	switch {
	case !ok && s.restored:
		return fmt.Errorf("group %s has state, but version %s was dropped from %s: what the group had written is gone. "+
			"Compute it again as another --group or --version, or remove %s", s.group, s.version, s.sessions, s.stateDir)
	case !ok:
		if r.version, err = r.catalog.Create(ctx, wanted); err != nil {
			return err
		}
	case found.Group != s.group:
		return fmt.Errorf("version %s is written by group %s (%s), and two groups would mix their rows: use --group %s to go on with it, or another --version",
			s.version, found.Group, found.Definition, found.Group)
	case !s.restored && found.Definition != wanted.Definition:
		return fmt.Errorf("version %s has rows of another definition (%s; now %s), which would stay among the new ones: use another --version, or drop it first by `%s versions drop %s`",
			s.version, found.Definition, wanted.Definition, self(), s.version)
	default:
		wanted.Log, wanted.CaughtUp = found.Log, found.CaughtUp
		found.Definition, found.Job = wanted.Definition, wanted.Job
		r.version = found
	}
	r.readers = list.Current
	if list.Current != "" || !s.sessions.Database() {
		return nil
	}
	err = r.catalog.Switch(ctx, "", s.version)
	if errors.Is(err, version.ErrChanged) { // another job was faster
		return nil
	}
	r.readers = s.version
	return err
}

// shown is the version that readers see through views; "" where there are none.
func (r *recording) shown() string {
	if r == nil {
		return ""
	}
	return r.readers
}

// watch tells the catalog how far the job has come until it has ended.
func (r *recording) watch(ctx context.Context, job watchable, ended <-chan struct{}) {
	if r == nil {
		return
	}
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := r.report(ctx, job, false); err != nil && ctx.Err() == nil {
				r.warn("Version %s cannot tell its catalog how far it is: %v", r.version.Name, err)
			}
		case <-ended:
			return
		}
	}
}

// report updates the entry; finished says that the job has read all there was. The job is stopped when the entry is gone.
func (r *recording) report(ctx context.Context, job watchable, finished bool) error {
	if r == nil {
		return nil
	}
	splits := job.Status().Splits
	atEnd := len(splits) > 0
	for _, s := range splits {
		e := version.Extent{Split: s.ID, Incarnation: s.Incarnation, Earliest: max(0, s.Earliest), From: max(0, s.From), To: s.Position}
		r.version.Log = version.Extend(r.version.Log, e)
		atEnd = atEnd && s.AtEnd
	}
	r.version.CaughtUp = r.version.CaughtUp || atEnd || finished
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout) // also after Ctrl-C
	defer cancel()
	err := r.catalog.Update(ctx, r.version)
	if errors.Is(err, version.ErrUnknown) {
		r.stop(errDropped)
		return nil
	}
	return err
}

// end reports for the last time, after the job has ended with err, and returns what is to be told: errDropped when that is why.
func (r *recording) end(ctx context.Context, job watchable, finished bool, err error) error {
	if r == nil {
		return err
	}
	reported := r.report(ctx, job, finished && err == nil)
	dropped := errors.Is(context.Cause(ctx), errDropped)
	r.stop(nil)
	closed := r.catalog.Close()
	switch {
	case dropped:
		return errDropped
	case err != nil:
		return err
	}
	return errors.Join(reported, closed)
}

// guard keeps a sink from making the table of a dropped version again when the job restarts.
func guard[T any](r *recording, s sink.Sink[T]) sink.Sink[T] {
	if r == nil || s == nil {
		return s
	}
	return guarded[T]{s, r}
}

type guarded[T any] struct {
	sink.Sink[T]
	recording *recording
}

// Unwrap says which sink is guarded: it may have transactions.
func (g guarded[T]) Unwrap() any { return g.Sink }

func (g guarded[T]) Open(ctx context.Context, env sink.Env) (sink.Writer[T], error) {
	r := g.recording
	list, err := r.catalog.List(ctx)
	if err != nil {
		return nil, sink.Temporary(err)
	}
	if !slices.ContainsFunc(list.Versions, func(v version.Version) bool { return v.Name == r.version.Name && v.Created.Equal(r.version.Created) }) {
		r.stop(errDropped)
		return nil, errDropped
	}
	return g.Sink.Open(ctx, env)
}
