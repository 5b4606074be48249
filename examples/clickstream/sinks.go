package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/millrace/millrace/sink"
)

// outputs makes the job's sinks and tries each, so that a wrong password or table shows at once and not in a job that tries again and again.
func (p *program) outputs(ctx context.Context, c *kafkaCluster, s settings) (to Outputs, err error) {
	targets := []target{s.sessions, s.metrics}
	if s.late.kind != "" {
		targets = append(targets, s.late)
	}
	for _, t := range targets {
		if err := p.prepare(ctx, c, t, s.restored); err != nil {
			return to, err
		}
	}
	to.Sessions = openTarget(s.sessions, sessionRows, c, p.out)
	to.Metrics = openTarget(s.metrics, metricsRows, c, p.out)
	err = errors.Join(try(ctx, "sessions", to.Sessions), try(ctx, "metrics", to.Metrics))
	if s.late.kind != "" {
		to.Late = openTarget(s.late, lateRows, c, p.out)
		err = errors.Join(err, try(ctx, "late", to.Late))
	}
	return to, err
}

// prepare sees to it that the target can be begun.
func (p *program) prepare(ctx context.Context, c *kafkaCluster, t target, restored bool) error {
	switch {
	case t.kind == "kafka" && t.path == p.topic:
		return fmt.Errorf("sink kafka:%s is the topic of the clicks: name another one", t.path)
	case t.kind == "kafka":
		return p.ensureTopic(ctx, c, t.path)
	case t.file() && !restored:
		_, err := os.Lstat(t.path)
		if err == nil {
			return fmt.Errorf("%s exists, and a result is never overwritten: move it away or choose another path", t.path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// try opens a sink's Writer and closes it.
func try[T any](ctx context.Context, name string, s sink.Sink[T]) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	w, err := s.Open(ctx, sink.Env{Job: "session-analytics", Operator: name, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("sink of %s: %w", name, err)
	}
	return w.Close()
}
