//go:build integration

package postgres_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
)

type record = sinktest.Record

var tables atomic.Int64

func testDSN(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("MILLRACE_TEST_POSTGRES")
	if dsn == "" {
		t.Fatal("MILLRACE_TEST_POSTGRES is not set: run make integration, which starts a server and sets it")
	}
	return dsn
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

// newTable is a name that no other test uses, of a table that is dropped in the end.
func newTable(t testing.TB, conn *pgx.Conn) string {
	name := fmt.Sprintf("sinktest_%d_%d", os.Getpid(), tables.Add(1))
	t.Cleanup(func() {
		_, err := conn.Exec(context.Background(), "DROP TABLE IF EXISTS "+name)
		require.NoError(t, err)
	})
	return name
}

func readRecords(t testing.TB, conn *pgx.Conn, name string) []record {
	rows, err := conn.Query(context.Background(), "SELECT id, seq, text, number, ratio, flag FROM "+name)
	require.NoError(t, err)
	records, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r record, err error) {
		return r, row.Scan(&r.ID, &r.Seq, &r.Text, &r.Number, &r.Ratio, &r.Flag)
	})
	require.NoError(t, err)
	return records
}

func TestConformance(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	sinktest.Run(t, sinktest.Config[record]{
		New: func(t *testing.T) sinktest.Target[record] {
			name := newTable(t, conn)
			return sinktest.Target[record]{
				Sink: func() sink.Sink[record] { return postgres.Upsert(dsn, name, sinktest.Columns) },
				Rows: func(t *testing.T) []record { return readRecords(t, conn, name) },
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Upserts: true, Atomic: true, Parallel: true},
	})
}

func openWriter[T any](t testing.TB, s sink.Sink[T]) sink.Writer[T] {
	t.Helper()
	w, err := s.Open(context.Background(), sink.Env{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func one(id string, seq int64) []sink.Row[record] {
	return []sink.Row[record]{{Value: record{ID: id, Seq: seq}}}
}

func TestRefusedRowIsNamed(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	name := newTable(t, conn)
	_, err := conn.Exec(t.Context(), "CREATE TABLE "+name+" (id varchar(200), seq bigint, text varchar(10), number bigint CHECK (number < 100), ratio float8, flag bool, PRIMARY KEY (id, seq))")
	require.NoError(t, err)
	w := openWriter(t, postgres.Upsert(dsn, name, sinktest.Columns))
	batch := func(bad record) []sink.Row[record] {
		var rows []sink.Row[record]
		for i := range 1000 {
			rows = append(rows, sink.Row[record]{Value: record{ID: "good", Seq: int64(i)}})
		}
		rows[637].Value = bad
		return rows
	}
	long := strings.Repeat("x", 150)
	for _, test := range []struct {
		name string
		bad  record
		want []string
	}{
		{"too long", record{ID: "bad", Seq: 7, Text: "eleven chars"}, []string{`id="bad" seq=7`, "character varying(10)"}},
		{"check", record{ID: "bad", Seq: 8, Number: 100}, []string{`id="bad" seq=8`, "_number_check"}},
		{"zero byte", record{ID: "bad", Seq: 9, Text: "a\x00b"}, []string{`id="bad" seq=9`, "column text", "zero byte"}},
		{"not UTF-8", record{ID: "bad", Seq: 10, Text: "a\xffb"}, []string{`id="bad" seq=10`, "column text", "UTF-8"}},
		{"long key", record{ID: long, Seq: 11, Number: 100}, []string{`id="` + long[:64] + `"... seq=11`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := w.Write(t.Context(), batch(test.bad))
			require.Error(t, err)
			require.False(t, sink.IsTemporary(err))
			require.ErrorContains(t, err, "table="+name)
			for _, part := range test.want {
				require.ErrorContains(t, err, part)
			}
			require.Empty(t, readRecords(t, conn, name), "nothing of the batch stays")
		})
	}
	require.NoError(t, w.Write(t.Context(), one("good", 1)), "the Writer goes on")
}

func TestExistingTable(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	const good = "id text, seq bigint, text text, number bigint, ratio float8, flag bool"
	for _, test := range []struct{ name, create, want string }{
		{"fits", "TABLE %s (" + good + ", PRIMARY KEY (id, seq))", ""},
		{"key in another order", "TABLE %s (" + good + ", PRIMARY KEY (seq, id))", ""},
		{"unique index in place of a primary key", "TABLE %s (" + good + ", extra text, since timestamptz NOT NULL DEFAULT now(), UNIQUE (id, seq) INCLUDE (text))", ""},
		{"no key", "TABLE %s (" + good + ")", "there is no primary key, wanted (id, seq)"},
		{"another key", "TABLE %s (" + good + ", PRIMARY KEY (id))", "the primary key is (id), wanted (id, seq)"},
		{"deferrable key", "TABLE %s (" + good + ", PRIMARY KEY (id, seq) DEFERRABLE)", "there is no primary key"},
		{"missing column and another type", "TABLE %s (id text, seq bigint, text text, number integer, flag bool, PRIMARY KEY (id, seq))", "column number is integer, wanted bigint; column ratio is missing"},
		{"a column that needs a value", "TABLE %s (" + good + ", owner text NOT NULL, PRIMARY KEY (id, seq))", "column owner is NOT NULL without a default"},
		{"a generated column", "TABLE %s (id text, seq bigint, text text, number bigint GENERATED ALWAYS AS (seq * 2) STORED, ratio float8, flag bool, PRIMARY KEY (id, seq))", "column number is generated"},
		{"a view", "VIEW %s AS SELECT 1 AS id", "is not a table"},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := newTable(t, conn)
			_, err := conn.Exec(t.Context(), "CREATE "+fmt.Sprintf(test.create, name))
			require.NoError(t, err)
			if strings.HasPrefix(test.create, "VIEW") {
				defer conn.Exec(t.Context(), "DROP VIEW "+name)
			}
			w, err := postgres.Upsert(dsn, name, sinktest.Columns).Open(t.Context(), sink.Env{})
			if test.want != "" {
				require.ErrorIs(t, err, postgres.ErrSchema)
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.NoError(t, w.Write(t.Context(), append(one("a", 1), one("a", 1)...)))
			require.NoError(t, w.Close())
			require.Len(t, readRecords(t, conn, name), 1)
		})
	}
}

type typed struct {
	ID    []byte
	When  time.Time
	Flag  bool
	Ratio float64
	Note  string
	Blob  []byte
	Null  bool
}

var typedColumns = table.Of(
	table.Key(table.Bytes("id", func(r typed) []byte { return r.ID })),
	table.Key(table.Time("seen_at", func(r typed) time.Time { return r.When })),
	table.Key(table.Bool("flag", func(r typed) bool { return r.Flag })),
	table.Nullable(table.Float("ratio", func(r typed) float64 { return r.Ratio }), func(r typed) bool { return r.Null }),
	table.Nullable(table.Text("note", func(r typed) string { return r.Note }), func(r typed) bool { return r.Null }),
	table.Bytes("blob", func(r typed) []byte { return r.Blob }),
)

func TestTypesNullsAndSchema(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	schema := fmt.Sprintf("s%d", os.Getpid())
	_, err := conn.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := conn.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(t, err)
	})
	w := openWriter(t, postgres.Upsert(dsn, schema+".Typed", typedColumns))
	when := time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	rows := []sink.Row[typed]{
		{Value: typed{ID: []byte{0, 255}, When: when, Flag: true, Ratio: math.Inf(-1), Note: "", Blob: nil}},
		{Value: typed{ID: nil, When: when.Add(time.Hour), Null: true, Blob: []byte("x")}},
		{Value: typed{ID: []byte{0, 255}, When: when.Add(999 * time.Nanosecond), Flag: true, Ratio: math.NaN(), Note: "same instant in microseconds", Blob: []byte{}}},
	}
	require.NoError(t, w.Write(t.Context(), rows))
	got, err := conn.Query(t.Context(), `SELECT id, seen_at, flag, ratio, note, blob FROM `+schema+`."Typed" ORDER BY id`)
	require.NoError(t, err)
	type found struct {
		ID   []byte
		When time.Time
		Flag bool
		R    *float64
		N    *string
		Blob []byte
	}
	all, err := pgx.CollectRows(got, pgx.RowToStructByPos[found])
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Empty(t, all[0].ID)
	require.Nil(t, all[0].R)
	require.Nil(t, all[0].N)
	require.Equal(t, "x", string(all[0].Blob))
	require.True(t, all[1].When.Equal(when), "%v", all[1].When)
	require.True(t, math.IsNaN(*all[1].R))
	require.Equal(t, "same instant in microseconds", *all[1].N)
	require.NotNil(t, all[1].Blob)

	rows[2].Op, rows[1].Op = sink.Delete, sink.Delete
	require.NoError(t, w.Write(t.Context(), rows[1:]))
	var left int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM `+schema+`."Typed"`).Scan(&left))
	require.Zero(t, left)
}

func TestWideRowsAreSeveralStatements(t *testing.T) {
	dsn := testDSN(t)
	conn := connect(t, dsn)
	name := newTable(t, conn)
	w := openWriter(t, postgres.Upsert(dsn, name, sinktest.Columns))
	var rows []sink.Row[record]
	for i := range 50 {
		rows = append(rows, sink.Row[record]{Value: record{ID: "wide", Seq: int64(i), Text: strings.Repeat("w", 1<<20)}})
	}
	require.NoError(t, w.Write(t.Context(), rows))
	var n, size int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*), sum(length(text)) FROM "+name).Scan(&n, &size))
	require.Equal(t, 50, n)
	require.Equal(t, 50<<20, size)
}
