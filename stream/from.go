package stream

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/watermark"
)

// SourceOption sets something for a source.
type SourceOption interface{ applySource(*sourceConfig) }

type sourceOption func(*sourceConfig)

func (f sourceOption) applySource(c *sourceConfig) { f(c) }

type sourceConfig struct{ skipUndecodable bool }

// SkipUndecodable passes over records that cannot be decoded, counting them as "undecodable". By default the first one fails the job; a reader of
// DeadLetters gets them instead.
func SkipUndecodable() SourceOption {
	return sourceOption(func(c *sourceConfig) { c.skipUndecodable = true })
}

// From reads a source, one task for each of its splits, with the event time that strategy describes. name is the source's uid: its positions are
// kept under it.
func From[T any](j *Job, name string, src source.Source[T], strategy watermark.Strategy[T], opts ...SourceOption) DataStream[T] {
	var c sourceConfig
	for _, o := range opts {
		o.applySource(&c)
	}
	n := j.add("source", name)
	if err := strategy.Err(); err != nil {
		j.fail(n, err)
	}
	n.detail = fmt.Sprintf("%s; %s", src, strategyName(strategy))
	n.shape = "source; " + strategyName(strategy)
	out := newOutput(j, n, elementCodec(src))
	if r, ok := out.codec.(interface{ Reuses() bool }); ok && r.Reuses() {
		out.reused = n
	}
	side := &sourceOutputs[T]{
		dead:        newOutput[*source.DecodeError](j, n, nil),
		quarantined: out.onward(n),
	}
	j.sources = append(j.sources, func(ctx context.Context, r *runtime.Run) error {
		return runtime.AddSource(ctx, r, &runtime.SourceConfig[T]{
			Name: n.uid, Source: src, Strategy: strategy, Aligned: j.exchanges() > 0, Reuse: out.reused != nil,
			Build: func(t *runtime.Task) runtime.SourceChain[T] {
				next, control := out.build(t)
				dead, deadControl := side.dead.build(t)
				var ended flow.Meta // of a dead letter
				future, futureControl := side.quarantined.build(t)
				if j.cfg.trace != nil {
					future = &tracedFuture[T]{future, j.cfg.trace, t, n.uid}
				}
				return runtime.SourceChain[T]{
					Next:    next,
					Control: j.cfg.trace.end(flow.Join(control, deadControl, futureControl), t, n.uid),
					Future:  future,
					Bad: func(m *flow.Meta, e *source.DecodeError) error {
						if j.cfg.trace != nil {
							j.cfg.trace.source(TraceUndecodable, n.uid, t, m)
						}
						switch {
						case len(side.dead.readers) > 0:
							t.Book().End(m, ledger.DeadLettered)
							ended = *m
							ended.Counted = true
							return dead.Push(&ended, e)
						case c.skipUndecodable:
							t.Book().End(m, ledger.Skipped)
							return nil
						}
						return fmt.Errorf("%w; skip such records with SkipUndecodable, or read them from DeadLetters", e)
					},
				}
			},
		})
	})
	return DataStream[T]{out: out, from: side}
}

// strategyName is the rule of event time with its defaults, as plans and fingerprints have it.
func strategyName[T any](s watermark.Strategy[T]) string {
	if s.Name == "" {
		return "no watermarks"
	}
	return s.Name
}

// elementCodec is the codec of a source's records, where it has one.
func elementCodec[T any](src source.Source[T]) state.Codec[T] {
	if c, ok := src.(interface{ Codec() state.Codec[T] }); ok {
		if codec := c.Codec(); codec != nil {
			return codec
		}
	}
	return builtin[T]()
}

// DeadLetters is what a source could not decode: raw bytes, position and error. Reading it keeps such records from failing the job.
func DeadLetters[T any](s DataStream[T]) DataStream[*source.DecodeError] {
	if s.from == nil {
		s.out.job.fail(s.out.node, errNotSource("DeadLetters"))
		return DataStream[*source.DecodeError]{out: newOutput[*source.DecodeError](s.out.job, s.out.node, nil)}
	}
	return DataStream[*source.DecodeError]{out: s.from.dead}
}

// Quarantined is what a source's future guard held back: records whose timestamp lies too far beyond the one the log gave them. They are
// counted as "quarantined", read or not.
func Quarantined[T any](s DataStream[T]) DataStream[T] {
	if s.from == nil {
		s.out.job.fail(s.out.node, errNotSource("Quarantined"))
		return s
	}
	return DataStream[T]{out: s.from.quarantined}
}

func errNotSource(f string) error {
	return fmt.Errorf("stream.%s reads what From returned, not a stream made from it", f)
}
