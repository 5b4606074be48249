package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/millrace/millrace/examples/clickstream/internal/target"
	"github.com/millrace/millrace/sink"
)

// outputs makes the job's sinks and tries each, so that a wrong password or table shows at once and not in a job that tries again and again.
func (p *program) outputs(ctx context.Context, c *kafkaCluster, s settings) (to Outputs, err error) {
	targets := []target.Target{s.sessions, s.metrics}
	if s.late.Kind != "" {
		targets = append(targets, s.late)
	}
	for _, t := range targets {
		if err := p.prepare(ctx, c, t, s.restored); err != nil {
			return to, err
		}
	}
	env := target.Env{Brokers: c.brokers, Connection: c.config, Group: s.group, Out: p.out}
	to.Sessions = target.Open(s.sessions, s.definition.sessionRows(), env)
	to.Metrics = target.Open(s.metrics, s.definition.metricsRows(), env)
	err = errors.Join(try(ctx, "sessions", to.Sessions, s.restored), try(ctx, "metrics", to.Metrics, s.restored))
	if s.late.Kind != "" {
		to.Late = target.Open(s.late, lateRows, env)
		err = errors.Join(err, try(ctx, "late", to.Late, s.restored))
	}
	return to, err
}

// prepare sees to it that the target can be begun.
func (p *program) prepare(ctx context.Context, c *kafkaCluster, t target.Target, restored bool) error {
	switch topic := t.Topic(); {
	case topic != "" && topic == p.topic:
		return fmt.Errorf("sink kafka:%s is the topic of the clicks: name another one", topic)
	case topic != "":
		return p.ensureTopic(ctx, c, topic)
	case !restored:
		return t.Fresh()
	}
	return nil
}

// try opens a sink's Writer and closes it. The names are the job's and the operator's: a directory is theirs from now on.
func try[T any](ctx context.Context, name string, s sink.Sink[T], restored bool) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	w, err := s.Open(ctx, sink.Env{Job: jobName, Operator: name, Restored: restored, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("sink of %s: %w", name, err)
	}
	return w.Close()
}
