package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millrace/millrace/sink"
)

// blame finds the row that the server refuses by halving the batch, at most twice its rows in all, and returns err with the row's key.
// Nothing it tries stays. Where no row is refused by itself, err is returned as it is.
func (w *writer[T]) blame(ctx context.Context, rows []sink.Row[T], upserts, deletes []int32, err error) error {
	for len(upserts) > 1 {
		half := len(upserts) / 2
		refused, known := w.refuses(ctx, rows, upserts[:half], deletes)
		if !known {
			return err
		}
		if refused != nil {
			upserts = upserts[:half]
		} else {
			upserts = upserts[half:]
		}
	}
	if len(upserts) == 0 {
		return err
	}
	refused, known := w.refuses(ctx, rows, upserts, deletes)
	if !known || refused == nil {
		return err
	}
	return fmt.Errorf("row %s: %w", w.sink.columns.KeyString(rows[upserts[0]].Value), refused)
}

// refuses tries the picked rows and undoes them. known is false when the try could not be made.
func (w *writer[T]) refuses(ctx context.Context, rows []sink.Row[T], upserts, deletes []int32) (refused error, known bool) { //nolint:revive // refused is what was found out, not a failure to find out
	batch := &pgconn.Batch{}
	batch.ExecParams("BEGIN", nil, nil, nil, nil)
	if err := errors.Join(w.add(batch, deleteName, w.keys, rows, deletes), w.add(batch, upsertName, w.all, rows, upserts)); err != nil {
		return err, true
	}
	err := w.conn.ExecBatch(ctx, batch).Close()
	if undo := w.conn.Exec(ctx, "ROLLBACK").Close(); undo != nil {
		// Whatever state the connection is in, it must not be used again.
		w.drop()
		return nil, false //nolint:nilerr // nothing is known of the rows
	}
	return err, err == nil || isData(err)
}
