package postgres

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
)

func TestStatements(t *testing.T) {
	sql := statements("analytics.select", table.Of(
		table.Key(table.Text("id", func(r sinktest.Record) string { return r.ID })),
		table.Key(table.Int("seq", func(r sinktest.Record) int64 { return r.Seq })),
		table.Nullable(table.Float("Ratio", func(r sinktest.Record) float64 { return r.Ratio }), func(r sinktest.Record) bool { return r.Flag }),
	))
	require.Equal(t, sqlText{
		table:  `"analytics"."select"`,
		create: `CREATE TABLE IF NOT EXISTS "analytics"."select" ("id" text NOT NULL, "seq" bigint NOT NULL, "Ratio" double precision, PRIMARY KEY ("id","seq"))`,
		upsert: `INSERT INTO "analytics"."select" ("id","seq","Ratio") SELECT * FROM unnest($1::text[],$2::bigint[],$3::double precision[]) ON CONFLICT ("id","seq") DO UPDATE SET "Ratio"=excluded."Ratio"`,
		delete: `DELETE FROM "analytics"."select" t USING unnest($1::text[],$2::bigint[]) d("id","seq") WHERE t."id"=d."id" AND t."seq"=d."seq"`,
	}, sql)
	onlyKey := statements("seen", table.Of(table.Key(table.Text("id", func(r sinktest.Record) string { return r.ID }))))
	require.Equal(t, `INSERT INTO "seen" ("id") SELECT * FROM unnest($1::text[]) ON CONFLICT ("id") DO NOTHING`, onlyKey.upsert)
}

func TestWrongOptions(t *testing.T) {
	const dsn = "postgres://localhost/x"
	for _, test := range []struct {
		sink sink.Sink[sinktest.Record]
		want string
	}{
		{Upsert(dsn, "", sinktest.Columns), "must have 1 to 63 bytes"},
		{Upsert(dsn, `x"; DROP TABLE y; --`, sinktest.Columns), "must consist of letters"},
		{Upsert(dsn, "a.b.c", sinktest.Columns), "more than one dot"},
		{Upsert(dsn, "x", table.Of[sinktest.Record]()), "no columns"},
		{Upsert(dsn, "x", table.Of(table.Text("id", func(r sinktest.Record) string { return r.ID }))), "table.Key"},
		{Upsert(dsn, "x", sinktest.Columns, Timeout(-1)), "Timeout is -1ns"},
		{Upsert(dsn, "x", sinktest.Columns, BatchRows(0)), "BatchRows is 0"},
		{Upsert("postgres://localhost/x?sslmode=banana", "x", sinktest.Columns), "sslmode"},
	} {
		_, err := test.sink.Open(t.Context(), sink.Env{})
		require.ErrorContains(t, err, test.want)
		require.False(t, sink.IsTemporary(err))
	}
}

func TestPasswordIsNeverPrinted(t *testing.T) {
	const secret = "s3cr3t/%40?x"
	for _, dsn := range []string{
		"postgres://u:s3cr3t%2F%2540%3Fx@127.0.0.1:1/x?sslmode=disable", // nobody listens there
		"postgres://u:s3cr3t%2F%2540%3Fx@127.0.0.1:1/x?sslmode=banana",
		"postgres://u:s3cr3t%2F%2540%3Fx@127.0.0.1:port/x",
		"postgres://u:s3cr3t/%40?x@127.0.0.1:1/x",
		"postgres://u@127.0.0.1:1/x?sslmode=banana&password=s3cr3t%2F",
		"host=127.0.0.1 port=1 user=u password=s3cr3t/%40?x sslmode=disable",
		"host=127.0.0.1 port=1 user=u password=s3cr3t/%40?x sslmode=banana",
		"host=127.0.0.1 port=1 user=u password='s3cr3t/%40?x",
		"s3cr3t pass://",
	} {
		s := Upsert(dsn, "sessions_v1", sinktest.Columns)
		require.Equal(t, "postgres table=sessions_v1", s.String())
		_, err := s.Open(t.Context(), sink.Env{})
		require.Error(t, err)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s)} {
			require.NotContains(t, text, "s3cr3t")
			require.NotContains(t, text, secret)
		}
	}
}

func TestServerAwayIsTemporary(t *testing.T) {
	_, err := Upsert("postgres://u:p@127.0.0.1:1/db?sslmode=disable", "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.True(t, sink.IsTemporary(err), "%v", err)
	require.ErrorContains(t, err, "postgres table=x on 127.0.0.1:1/db")
}

func TestIsTemporary(t *testing.T) {
	for code, want := range map[string]bool{
		"40001": true, "40P01": true, "57P01": true, "57P03": true, "53300": true, "53100": true, "08006": true, "25006": true,
		"23505": false, "22001": false, "42P01": false, "28P01": false, "3D000": false, "58030": false,
	} {
		require.Equal(t, want, isTemporary(fmt.Errorf("writing: %w", &pgconn.PgError{Code: code})), code)
	}
	require.False(t, isTemporary(errors.New("something else")))
	require.False(t, isTemporary(&pgconn.PgError{}), "a server that tells no code")
}
