package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// writer owns one connection. After an error that leaves the connection in doubt it is closed, and the next Write makes another.
type writer[T any] struct {
	sink *upsert[T]
	sql  sqlText

	conn                             driver.Conn // nil when there is none
	begin, commit, rollback, up, del driver.StmtExecContext
	stmts                            []driver.Stmt
	args                             []driver.NamedValue
}

// connect opens the file and, when the Writer is opened, makes the table. Later a missing table is an error: its rows are gone.
func (w *writer[T]) connect(ctx context.Context, create bool) error {
	if err := w.sink.acquire(ctx); err != nil {
		return err
	}
	defer w.sink.release()
	dsn, err := w.sink.dsn()
	if err != nil {
		return err
	}
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return err
	}
	if w.conn, err = connector.Connect(ctx); err != nil {
		return err
	}
	if create {
		if _, err := w.conn.(driver.ExecerContext).ExecContext(ctx, w.sql.create, nil); err != nil {
			return err
		}
	}
	if err := verify(ctx, w.conn, w.sink.table, w.sink.columns); err != nil {
		return err
	}
	// BEGIN IMMEDIATE waits for its turn to write; a transaction that began as a reader could only fail.
	for _, s := range []struct {
		into *driver.StmtExecContext
		sql  string
	}{{&w.begin, "BEGIN IMMEDIATE"}, {&w.commit, "COMMIT"}, {&w.rollback, "ROLLBACK"}, {&w.up, w.sql.upsert}, {&w.del, w.sql.delete}} {
		stmt, err := w.conn.Prepare(s.sql)
		if err != nil {
			return err
		}
		w.stmts = append(w.stmts, stmt)
		*s.into = stmt.(driver.StmtExecContext)
	}
	return nil
}

func (s *upsert[T]) dsn() (string, error) { return dsnOf(s.path, s.config.busyTimeout) }

func dsnOf(path string, busy time.Duration) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	file := url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}
	if file.Path[0] != '/' {
		file.Path = "/" + file.Path
	}
	return fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)", file.String(), busy.Milliseconds()), nil
}

// acquire takes the sink's turn to write. Waiting for it in SQLite would be polling.
func (s *upsert[T]) acquire(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *upsert[T]) release() { <-s.turn }

func (w *writer[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	if w.conn == nil {
		if err := w.connect(ctx, false); err != nil {
			return errors.Join(w.explain(err), w.Close())
		}
	}
	if err := w.sink.acquire(ctx); err != nil {
		return w.explain(err)
	}
	defer w.sink.release()
	if err := w.transaction(ctx, rows); err != nil {
		return w.explain(err)
	}
	return nil
}

// transaction writes the batch in order, so the last row of a key wins by itself. The statements run without ctx, which would cost a goroutine each;
// ctx is looked at between rows.
func (w *writer[T]) transaction(ctx context.Context, rows []sink.Row[T]) error {
	if err := w.run(w.begin); err != nil {
		return err
	}
	for i := range rows {
		err := context.Cause(ctx)
		if err == nil {
			err = w.row(&rows[i])
		}
		if err != nil {
			return w.abandon(err)
		}
	}
	if err := w.run(w.commit); err != nil {
		return w.abandon(err)
	}
	return nil
}

func (w *writer[T]) run(stmt driver.StmtExecContext) error {
	_, err := stmt.ExecContext(context.Background(), nil)
	return err
}

// abandon ends a transaction that failed with err; SQLite may have rolled it back by itself.
func (w *writer[T]) abandon(err error) error {
	if w.run(w.rollback) != nil {
		return errors.Join(err, w.Close())
	}
	return err
}

func (w *writer[T]) row(row *sink.Row[T]) error {
	stmt := w.up
	if row.Op == sink.Delete {
		stmt = w.del
	}
	w.args = w.args[:0]
	columns := w.sink.columns.All()
	for i := range columns {
		col := &columns[i]
		if row.Op == sink.Delete && !col.IsKey() {
			continue
		}
		v, err := value(col, row.Value)
		if err != nil {
			return fmt.Errorf("row %s, column %s: %w", w.sink.columns.KeyString(row.Value), col.Name(), err)
		}
		w.args = append(w.args, driver.NamedValue{Ordinal: len(w.args) + 1, Value: v})
	}
	if _, err := stmt.ExecContext(context.Background(), w.args); err != nil {
		return fmt.Errorf("row %s: %w", w.sink.columns.KeyString(row.Value), err)
	}
	return nil
}

// value is the row's value as the driver takes it.
func value[T any](col *table.Column[T], row T) (driver.Value, error) {
	if col.IsNull(row) {
		return nil, nil
	}
	if err := col.Check(row); err != nil {
		return nil, err
	}
	switch col.Type() {
	case table.IntType:
		return col.Int(row), nil
	case table.FloatType:
		v := col.Float(row)
		if math.IsNaN(v) {
			return nil, errors.New("SQLite stores NaN as null; make the column nullable")
		}
		return v, nil
	case table.BoolType:
		if col.Bool(row) {
			return int64(1), nil
		}
		return int64(0), nil
	case table.BytesType:
		if raw := col.Bytes(row); raw != nil {
			return raw, nil
		}
		return []byte{}, nil
	case table.TimeType:
		return string(table.AppendTime(nil, col.Time(row))), nil
	}
	return col.Text(row), nil
}

// Close implements sink.Writer. It also ends a connection in doubt; the next Write then makes another.
func (w *writer[T]) Close() error {
	if w.conn == nil {
		return nil
	}
	var errs []error
	for _, stmt := range w.stmts {
		errs = append(errs, stmt.Close())
	}
	errs = append(errs, w.conn.Close())
	w.conn, w.stmts = nil, nil
	return errors.Join(errs...)
}

// SQLite's primary result codes (https://www.sqlite.org/rescode.html) that waiting may mend.
const (
	codeBusy     = 5
	codeLocked   = 6
	codeProtocol = 15
)

// explain names the sink and marks what the engine should retry.
func (w *writer[T]) explain(err error) error {
	var coded *sqlite.Error
	temporary := false
	if errors.As(err, &coded) {
		switch coded.Code() & 0xff {
		case codeBusy, codeLocked, codeProtocol:
			temporary = true
		}
	}
	err = fmt.Errorf("%s: %w", w.sink, err)
	if temporary {
		return sink.Temporary(err)
	}
	return err
}
