package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/sqlite"
)

type record = sinktest.Record

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Config[record]{
		New: func(t *testing.T) sinktest.Target[record] {
			path := filepath.Join(t.TempDir(), "result?s %41.db")
			return sinktest.Target[record]{
				Sink: func() sink.Sink[record] { return sqlite.Upsert(path, "order", sinktest.Columns) },
				Rows: func(t *testing.T) []record { return readRecords(t, path) },
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Upserts: true, Atomic: true, Parallel: true},
	})
}

func openDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func readRecords(t *testing.T, path string) (records []record) {
	// The path is not plain on purpose; escaped it is.
	db, err := sql.Open("sqlite", "file:"+filepath.Dir(path)+"/result%3Fs%20%2541.db?_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT id, seq, text, number, ratio, flag FROM "order"`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var r record
		require.NoError(t, rows.Scan(&r.ID, &r.Seq, &r.Text, &r.Number, &r.Ratio, &r.Flag))
		records = append(records, r)
	}
	require.NoError(t, rows.Err())
	return records
}
