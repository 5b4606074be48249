package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

const (
	defaultTimeout   = time.Minute
	defaultBatchRows = 1000
)

// Option changes a default of Upsert.
type Option func(*config)

type config struct {
	timeout   time.Duration
	batchRows int
}

// Timeout bounds one attempt to connect or to write a batch; 1 minute by default. An attempt that takes longer is retried by the engine.
func Timeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// BatchRows is how many rows one transaction should carry; 1000 by default.
func BatchRows(n int) Option { return func(c *config) { c.batchRows = n } }

// Upsert is a sink into a table of the database that dsn names: postgres://user:password@host:port/database or key=value pairs, completed by the PG... environment
// variables. The password is never printed.
//
// tableName may have a schema before a dot. The table is made if missing, with the columns' key as primary key; one that exists must have these columns and that key (or a
// unique index on it), and may have others that need no value.
func Upsert[T any](dsn, tableName string, columns table.Columns[T], opts ...Option) sink.Sink[T] {
	c := config{timeout: defaultTimeout, batchRows: defaultBatchRows}
	for _, opt := range opts {
		opt(&c)
	}
	return &upsert[T]{dsn: dsn, table: tableName, columns: columns, config: c}
}

type upsert[T any] struct {
	dsn     string // may hold a password: never print it
	table   string
	columns table.Columns[T]
	config  config
}

func (s *upsert[T]) Traits() sink.Traits {
	return sink.Traits{Upserts: true, BatchRows: s.config.batchRows}
}

func (s *upsert[T]) String() string { return "postgres table=" + s.table }

// GoString keeps %#v from printing the password.
func (s *upsert[T]) GoString() string { return s.String() }

func (s *upsert[T]) Open(ctx context.Context, _ sink.Env) (sink.Writer[T], error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	server, err := parseDSN(s.dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	w := newWriter(s, server)
	if err := w.connect(ctx, true); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (s *upsert[T]) validate() error {
	var problems []error
	parts := strings.Split(s.table, ".")
	if len(parts) > 2 {
		problems = append(problems, fmt.Errorf("table: the name %q has more than one dot", s.table))
	}
	for _, part := range parts {
		if err := table.CheckName(part); err != nil {
			problems = append(problems, fmt.Errorf("table: %w", err))
		}
	}
	if s.config.timeout <= 0 {
		problems = append(problems, fmt.Errorf("Timeout is %v; it must be positive", s.config.timeout))
	}
	if s.config.batchRows <= 0 {
		problems = append(problems, fmt.Errorf("BatchRows is %d; it must be positive", s.config.batchRows))
	}
	return errors.Join(append(problems, s.columns.ValidateUpsert())...)
}
