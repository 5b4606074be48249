package main

import (
	"context"
	"errors"
)

// compute runs what writes a version of the result, a job or a replay: it tries the sinks, enters the version in its catalog, shows the progress, and tells what
// came out.
func (p *program) compute(ctx context.Context, c *kafkaCluster, s settings, w watching, build func(Outputs, *recording) watchable) (r result, err error) {
	to, err := p.outputs(ctx, c, s)
	if err != nil {
		return r, err
	}
	record, jobCtx, err := p.record(ctx, c, s)
	if err != nil {
		return r, err
	}
	to.Sessions, to.Metrics, to.Late = guard(record, to.Sessions), guard(record, to.Metrics), guard(record, to.Late)
	job := build(to, record)
	watched, err := p.watch(job, w.of(s.group))
	if err != nil {
		return r, record.end(jobCtx, job, false, err)
	}
	defer closing(watched, &err)
	r, err = watched.follow(jobCtx, record)
	r.settings, r.readers = s, record.shown()
	err = record.end(jobCtx, job, !r.stopped, err)
	if errors.Is(err, errDropped) {
		p.say("Version %s was dropped or replaced, so its job has stopped. Its state in %s is of no more use.", s.version, s.stateDir)
		r.dropped = true
		return r, nil
	}
	if err != nil {
		return r, s.explain(err)
	}
	if err := p.summarize(ctx, r); err != nil {
		return r, err
	}
	watched.hold(ctx)
	return r, nil
}
