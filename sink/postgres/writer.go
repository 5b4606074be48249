package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

const (
	upsertName = "millrace_upsert"
	deleteName = "millrace_delete"

	// A statement's arrays are bounded; a larger batch is several statements in the same transaction.
	statementRows  = 10_000
	statementBytes = 16 << 20

	closeTimeout = 5 * time.Second
)

// binaryFormat says that all parameters are binary.
var binaryFormat = []int16{1}

// writer owns one connection, or none after it was lost: the next Write makes another.
type writer[T any] struct {
	sink   *upsert[T]
	server *pgconn.Config
	sql    sqlText
	conn   *pgconn.PgConn
	last   *table.Last[T]
	all    []table.Column[T]
	keys   []table.Column[T]
	params [][]byte // a statement's arrays, reused
}

func newWriter[T any](s *upsert[T], server *pgconn.Config) *writer[T] {
	return &writer[T]{
		sink:   s,
		server: server,
		sql:    statements(s.table, s.columns),
		last:   table.NewLast(s.columns),
		all:    s.columns.All(),
		keys:   s.columns.Keys(),
		params: make([][]byte, len(s.columns.All())),
	}
}

// connect opens a connection and, when the Writer is opened, makes the table. Later a missing table is an error: its rows are gone.
func (w *writer[T]) connect(ctx context.Context, create bool) error {
	bounded, cancel := context.WithTimeout(ctx, w.sink.config.timeout)
	defer cancel()
	err := w.tryConnect(bounded, create)
	if err == nil {
		return nil
	}
	w.drop()
	return w.explain(ctx, err)
}

func (w *writer[T]) tryConnect(ctx context.Context, create bool) (err error) {
	if w.conn, err = pgconn.ConnectConfig(ctx, w.server); err != nil {
		w.conn = nil
		return err
	}
	if create {
		if err := ensureTable(ctx, w.conn, w.sql); err != nil {
			return err
		}
	}
	if err := verify(ctx, w.conn, w.sql.table, w.sink.columns); err != nil {
		return err
	}
	if _, err := w.conn.Prepare(ctx, upsertName, w.sql.upsert, nil); err != nil {
		return err
	}
	_, err = w.conn.Prepare(ctx, deleteName, w.sql.delete, nil)
	return err
}

func (w *writer[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	if w.conn == nil || w.conn.IsClosed() {
		if err := w.connect(ctx, false); err != nil {
			return err
		}
	}
	upserts, deletes := w.last.Split(rows)
	bounded, cancel := context.WithTimeout(ctx, w.sink.config.timeout)
	defer cancel()
	err := w.exec(bounded, rows, upserts, deletes)
	if err == nil {
		return nil
	}
	if isData(err) {
		err = w.blame(bounded, rows, upserts, deletes, err)
	}
	if breaksConnection(err) {
		w.drop()
	}
	return w.explain(ctx, err)
}

// exec writes the picked rows in one transaction: statements before one Sync are one, and the first error undoes them all. A unique index besides the
// key may need the superseded rows gone before their replacements come.
func (w *writer[T]) exec(ctx context.Context, rows []sink.Row[T], upserts, deletes []int32) error {
	batch := &pgconn.Batch{}
	if err := w.add(batch, deleteName, w.keys, rows, deletes); err != nil {
		return err
	}
	if err := w.add(batch, upsertName, w.all, rows, upserts); err != nil {
		return err
	}
	return w.conn.ExecBatch(ctx, batch).Close()
}

// add appends the picked rows to the batch, in as many statements as their bounds ask for.
func (w *writer[T]) add(batch *pgconn.Batch, statement string, columns []table.Column[T], rows []sink.Row[T], picked []int32) error {
	limit := statementRows
	for len(picked) > 0 {
		n := min(limit, len(picked))
		params, size := w.params[:len(columns)], 0
		for i := range columns {
			var bad int32
			var err error
			if params[i], bad, err = appendArray(params[i][:0], &columns[i], rows, picked[:n]); err != nil {
				return fmt.Errorf("row %s, column %s: %w", w.sink.columns.KeyString(rows[bad].Value), columns[i].Name(), err)
			}
			size += len(params[i])
		}
		if size > statementBytes && n > 1 {
			limit = max(1, n/2)
			continue
		}
		batch.ExecPrepared(statement, params, binaryFormat, nil)
		picked = picked[n:]
	}
	return nil
}

// drop gives up the connection; the server may be gone, so its answer does not matter.
func (w *writer[T]) drop() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

// Close implements sink.Writer.
func (w *writer[T]) Close() error {
	w.drop()
	return nil
}
