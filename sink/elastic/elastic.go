package elastic

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// Upsert is a sink into an index of the cluster whose nodes the URLs name: http://user:password@host:9200, the user may be left out. A Writer stays with one node until
// that fails. Credentials come from options, from the URLs, or from ELASTICSEARCH_API_KEY or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD in the environment, in
// this order, and are never printed.
//
// The index is made if missing; one that exists must fit the columns. Its name has lower-case letters, digits, and - _ . inside.
func Upsert[T any](urls []string, index string, columns table.Columns[T], opts ...Option) sink.Sink[T] {
	return &upsert[T]{urls: slices.Clone(urls), index: index, columns: columns, config: configOf(opts)}
}

type upsert[T any] struct {
	urls    []string // may hold passwords: never print them
	index   string
	columns table.Columns[T]
	config  config
}

func (s *upsert[T]) Traits() sink.Traits {
	return sink.Traits{Upserts: true, BatchRows: s.config.batchRows}
}

func (s *upsert[T]) String() string { return "elastic index=" + s.index }

// GoString keeps %#v from printing credentials.
func (s *upsert[T]) GoString() string { return s.String() }

func (s *upsert[T]) Open(ctx context.Context, env sink.Env) (sink.Writer[T], error) {
	nodes, err := parseServers(s.urls, s.config)
	if err := errors.Join(CheckIndex(s.index), err, s.columns.ValidateUpsert(), s.config.validate()); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	c, err := newClient(nodes, s.config, s.name(env), env.Subtask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	w := newWriter(s, c, env)
	if err := w.open(ctx); err != nil {
		c.close()
		return nil, explain(ctx, s, err)
	}
	return w, nil
}

// name is the same for a Writer and the one that takes its place after a restart.
func (s *upsert[T]) name(env sink.Env) string {
	parts := []string{"millrace", s.index, url.QueryEscape(env.Job), url.QueryEscape(env.Operator), fmt.Sprint(env.Subtask)}
	return strings.Join(parts, "/")
}
