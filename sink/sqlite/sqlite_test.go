package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/table"
)

func openWriter[T any](t testing.TB, s sink.Sink[T]) sink.Writer[T] {
	t.Helper()
	w, err := s.Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func one(id string, seq int64) []sink.Row[record] {
	return []sink.Row[record]{{Value: record{ID: id, Seq: seq}}}
}

func TestWrongOptions(t *testing.T) {
	for _, test := range []struct {
		sink sink.Sink[record]
		want string
	}{
		{sqlite.Upsert("", "x", sinktest.Columns), "the path is empty"},
		{sqlite.Upsert(":memory:", "x", sinktest.Columns), "sink/memory"},
		{sqlite.Upsert("p", `x"y`, sinktest.Columns), "must consist of letters"},
		{sqlite.Upsert("p", "x", table.Of[record]()), "no columns"},
		{sqlite.Upsert("p", "x", sinktest.Columns, sqlite.BusyTimeout(0)), "BusyTimeout is 0s"},
		{sqlite.Upsert("p", "x", sinktest.Columns, sqlite.BatchRows(-1)), "BatchRows is -1"},
	} {
		_, err := test.sink.Open(t.Context(), sink.Env{})
		require.ErrorContains(t, err, test.want)
	}
}

func TestExistingTable(t *testing.T) {
	const good = "id TEXT, seq INTEGER, text VARCHAR(20), number BIGINT, ratio DOUBLE, flag INT"
	for _, test := range []struct{ name, create, want string }{
		{"fits", "(" + good + ", PRIMARY KEY (seq, id))", ""},
		{"unique index", "(" + good + ", extra, n INTEGER NOT NULL DEFAULT 1, UNIQUE (id, seq))", ""},
		{"no key", "(" + good + ")", "the primary key is (), wanted (id, seq)"},
		{"another key", "(" + good + ", PRIMARY KEY (id))", "the primary key is (id), wanted (id, seq)"},
		{"missing column and another type", "(id TEXT, seq TEXT, text TEXT, ratio REAL, flag INTEGER, PRIMARY KEY (id, seq))", `column seq is declared "TEXT", wanted INTEGER; column number is missing`},
		{"a column that needs a value", "(" + good + ", owner TEXT NOT NULL, PRIMARY KEY (id, seq))", "column owner is NOT NULL without a default"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			_, err := openDB(t, path).Exec("CREATE TABLE rows " + test.create)
			require.NoError(t, err)
			w, err := sqlite.Upsert(path, "rows", sinktest.Columns).Open(t.Context(), sink.Env{})
			if test.want != "" {
				require.ErrorIs(t, err, sqlite.ErrSchema)
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.NoError(t, w.Write(t.Context(), append(one("a", 1), one("a", 1)...)))
			require.NoError(t, w.Close())
			require.Equal(t, 1, count(t, openDB(t, path), "rows"))
		})
	}
}

func count(t *testing.T, db *sql.DB, name string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM "`+name+`"`).Scan(&n))
	return n
}

func TestDurability(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "x.db")
	w := openWriter(t, sqlite.Upsert(path, "rows", sinktest.Columns))
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	var mode string
	require.NoError(t, openDB(t, path).QueryRow("PRAGMA journal_mode").Scan(&mode))
	require.Equal(t, "wal", mode)
	require.FileExists(t, path+"-wal", "the rows are in the log while the Writer is open")
}

func TestBusyIsTemporary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	w := openWriter(t, sqlite.Upsert(path, "rows", sinktest.Columns, sqlite.BusyTimeout(30*time.Millisecond)))
	db := openDB(t, path)
	db.SetMaxOpenConns(1)
	_, err := db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	for range 2 {
		err = w.Write(t.Context(), one("a", 1))
		require.True(t, sink.IsTemporary(err), "%v", err)
		require.ErrorContains(t, err, "sqlite path="+path+" table=rows")
	}
	_, err = db.Exec("ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	require.Equal(t, 1, count(t, db, "rows"))
}

// TestSinksOfOneFile has two sinks, whose Writers do not know of each other, write to one file all at once.
func TestSinksOfOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	const batches, rows = 30, 20
	var wg sync.WaitGroup
	for i := range 4 {
		s := sqlite.Upsert(path, fmt.Sprintf("rows_%d", i%2), sinktest.Columns)
		wg.Go(func() {
			w, err := s.Open(context.Background(), sink.Env{})
			if err != nil {
				t.Error(err)
				return
			}
			for b := range batches {
				var batch []sink.Row[record]
				for r := range rows {
					batch = append(batch, one(fmt.Sprint(i), int64(b*rows+r))...)
				}
				if err := w.Write(context.Background(), batch); err != nil {
					t.Error(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	db := openDB(t, path)
	require.Equal(t, 2*batches*rows, count(t, db, "rows_0"))
	require.Equal(t, 2*batches*rows, count(t, db, "rows_1"))
}

func TestRefusedRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openDB(t, path)
	_, err := db.Exec("CREATE TABLE rows (id TEXT, seq INTEGER, text TEXT, number INTEGER CHECK (number < 100), ratio REAL, flag INTEGER, PRIMARY KEY (id, seq))")
	require.NoError(t, err)
	w := openWriter(t, sqlite.Upsert(path, "rows", sinktest.Columns))
	err = w.Write(t.Context(), append(one("good", 1), sink.Row[record]{Value: record{ID: "bad", Seq: 7, Number: 100}}))
	require.ErrorContains(t, err, `row id="bad" seq=7: `)
	require.ErrorContains(t, err, "CHECK constraint failed")
	require.False(t, sink.IsTemporary(err))
	err = w.Write(t.Context(), append(one("good", 1), sink.Row[record]{Value: record{ID: "bad", Seq: 8, Ratio: math.NaN()}}))
	require.ErrorContains(t, err, `row id="bad" seq=8, column ratio: SQLite stores NaN as null`)
	require.Zero(t, count(t, db, "rows"), "nothing of the batches stays")
	require.NoError(t, w.Write(t.Context(), one("good", 1)))
	require.Equal(t, 1, count(t, db, "rows"))
}

func TestCancel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	w := openWriter(t, sqlite.Upsert(path, "rows", sinktest.Columns))
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the job is stopping")
	cancel(reason)
	require.ErrorIs(t, w.Write(ctx, one("a", 1)), reason)
	require.Zero(t, count(t, openDB(t, path), "rows"))
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
}

type typed struct {
	ID   []byte
	At   time.Time
	F    float64
	Note string
	Null bool
}

func TestTypesAndNulls(t *testing.T) {
	columns := table.Of(
		table.Key(table.Bytes("id", func(r typed) []byte { return r.ID })),
		table.Key(table.Time("at", func(r typed) time.Time { return r.At })),
		table.Nullable(table.Float("f", func(r typed) float64 { return r.F }), func(r typed) bool { return r.Null }),
		table.Nullable(table.Text("note", func(r typed) string { return r.Note }), func(r typed) bool { return r.Null }),
	)
	path := filepath.Join(t.TempDir(), "x.db")
	w := openWriter(t, sqlite.Upsert(path, "rows", columns))
	at := time.Date(2024, 3, 13, 10, 22, 33, 456_789_999, time.UTC)
	rows := []sink.Row[typed]{{Value: typed{At: at, Null: true}}, {Value: typed{ID: []byte{0, 255}, At: at, F: math.Inf(1)}}}
	require.NoError(t, w.Write(t.Context(), rows))
	db := openDB(t, path)
	var id, when string
	var f, note any
	require.NoError(t, db.QueryRow("SELECT hex(id), at || '', f, note FROM rows WHERE id = x''").Scan(&id, &when, &f, &note))
	require.Equal(t, "", id)
	require.Equal(t, "2024-03-13T10:22:33.456789Z", when)
	require.Nil(t, f)
	require.Nil(t, note)
	require.NoError(t, db.QueryRow("SELECT hex(id), f, note FROM rows WHERE f > 1").Scan(&id, &f, &note))
	require.Equal(t, "00FF", id)
	require.Equal(t, math.Inf(1), f)
	require.Equal(t, "", note)
	for i := range rows {
		rows[i].Op = sink.Delete
	}
	require.NoError(t, w.Write(t.Context(), rows))
	require.Zero(t, count(t, db, "rows"))
}

func TestTableThatVanished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	w := openWriter(t, sqlite.Upsert(path, "rows", sinktest.Columns))
	_, err := openDB(t, path).Exec("DROP TABLE rows")
	require.NoError(t, err)
	err = w.Write(t.Context(), one("a", 1))
	require.ErrorContains(t, err, "no such table")
	require.False(t, sink.IsTemporary(err))
}

func BenchmarkUpsert(b *testing.B) {
	const rows = 1000
	path := filepath.Join(b.TempDir(), "x.db")
	w := openWriter(b, sqlite.Upsert(path, "rows", sinktest.Columns))
	batch := make([]sink.Row[record], rows)
	b.ReportAllocs()
	for turn := 0; b.Loop(); turn++ {
		for i := range batch {
			batch[i].Value = record{ID: "user_000000", Seq: int64(turn*rows + i), Text: "t", Number: 1_700_000_000_000, Ratio: 0.5}
		}
		require.NoError(b, w.Write(context.Background(), batch))
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}

// The row type is inferred from the columns.
func ExampleUpsert() {
	type Session struct {
		UserID string
		Start  int64 // milliseconds
		Events int64
	}
	columns := table.Of(
		table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
		table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
		table.Int("events", func(s Session) int64 { return s.Events }),
	)
	sessions := sqlite.Upsert("sessions.db", "sessions_v1", columns)
	fmt.Println(sessions)
	// Output: sqlite path=sessions.db table=sessions_v1
}
