package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/sinkbench"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/sqlite"
)

// BenchmarkUpsertRatio takes turns with a loop by hand around database/sql: a transaction for each batch, with a prepared statement.
func BenchmarkUpsertRatio(b *testing.B) {
	type session = sinkbench.Session
	sinkbench.Compare(b, func(b *testing.B) (sink.Writer[session], func(rows []sink.Row[session]) error) {
		path := filepath.Join(b.TempDir(), "bare.db")
		openWriter(b, sqlite.Upsert(path, "sessions", sinkbench.Columns)) // makes the table
		db := openDB(b, "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
		upsert, err := db.Prepare(`INSERT INTO sessions (user_id, session_start, session_end, duration_ms, events, add_to_carts, checkouts, abandoned) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (user_id, session_start) DO UPDATE SET session_end=excluded.session_end, duration_ms=excluded.duration_ms, events=excluded.events, add_to_carts=excluded.add_to_carts,
			checkouts=excluded.checkouts, abandoned=excluded.abandoned`)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, upsert.Close()) })
		return openWriter(b, sqlite.Upsert(filepath.Join(b.TempDir(), "ours.db"), "sessions", sinkbench.Columns)), func(rows []sink.Row[session]) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			insert := tx.Stmt(upsert)
			for i := range rows {
				s := &rows[i].Value
				if _, err := insert.Exec(s.User, s.Start, s.End, s.Duration, s.Events, s.AddToCarts, s.Checkouts, s.Abandoned); err != nil {
					return errors.Join(err, tx.Rollback())
				}
			}
			return tx.Commit()
		}
	})
}
