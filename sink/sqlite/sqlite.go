package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

const (
	defaultBusyTimeout = 5 * time.Second
	defaultBatchRows   = 1000
)

// Option changes a default of Upsert.
type Option func(*config)

type config struct {
	busyTimeout time.Duration
	batchRows   int
}

// BusyTimeout is how long a Writer waits for the file while another sink or process writes to it; 5 seconds by default.
func BusyTimeout(d time.Duration) Option { return func(c *config) { c.busyTimeout = d } }

// BatchRows is how many rows one transaction should carry; 1000 by default.
func BatchRows(n int) Option { return func(c *config) { c.batchRows = n } }

// Upsert is a sink into a table of the SQLite file at path. The file, its directory and the table are made if missing, with the columns' key as primary key; a table that exists must
// have these columns and that key, and may have others that need no value.
func Upsert[T any](path, tableName string, columns table.Columns[T], opts ...Option) sink.Sink[T] {
	c := config{busyTimeout: defaultBusyTimeout, batchRows: defaultBatchRows}
	for _, opt := range opts {
		opt(&c)
	}
	return &upsert[T]{path: path, table: tableName, columns: columns, config: c, turn: make(chan struct{}, 1)}
}

type upsert[T any] struct {
	path, table string
	columns     table.Columns[T]
	config      config
	turn        chan struct{} // holds one token while a Writer of this sink is in a transaction
}

func (s *upsert[T]) Traits() sink.Traits {
	return sink.Traits{Upserts: true, BatchRows: s.config.batchRows}
}

func (s *upsert[T]) String() string { return "sqlite path=" + s.path + " table=" + s.table }

func (s *upsert[T]) Open(ctx context.Context, _ sink.Env) (sink.Writer[T], error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	w := &writer[T]{sink: s, sql: statements(s.table, s.columns)}
	if err := w.connect(ctx, true); err != nil {
		return nil, errors.Join(w.explain(err), w.Close())
	}
	return w, nil
}

func (s *upsert[T]) validate() error {
	var problems []error
	if s.path == "" {
		problems = append(problems, errors.New("the path is empty"))
	}
	if s.path == ":memory:" {
		problems = append(problems, errors.New("a database in memory would be lost with its connection; use package sink/memory"))
	}
	if err := table.CheckName(s.table); err != nil {
		problems = append(problems, fmt.Errorf("table: %w", err))
	}
	if s.config.busyTimeout <= 0 {
		problems = append(problems, fmt.Errorf("BusyTimeout is %v; it must be positive", s.config.busyTimeout))
	}
	if s.config.batchRows <= 0 {
		problems = append(problems, fmt.Errorf("BatchRows is %d; it must be positive", s.config.batchRows))
	}
	return errors.Join(append(problems, s.columns.ValidateUpsert())...)
}
