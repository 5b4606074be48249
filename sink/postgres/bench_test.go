//go:build integration

package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/sinkbench"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/postgres"
)

type session = sinkbench.Session

// BenchmarkUpsert measures a Writer, and the loop one would write by hand around the same statement, in batches of 1000 rows.
func BenchmarkUpsert(b *testing.B) {
	dsn := testDSN(b)
	conn := connect(b, dsn)
	measure := func(b *testing.B, fill func(rows []sink.Row[session], turn int), write func(rows []sink.Row[session]) error) {
		rows := make([]sink.Row[session], sinkbench.Rows)
		b.ReportAllocs()
		for turn := 0; b.Loop(); turn++ {
			fill(rows, turn)
			require.NoError(b, write(rows))
		}
		b.ReportMetric(float64(b.N)*sinkbench.Rows/b.Elapsed().Seconds(), "rows/s")
	}
	sinkbench.Kinds(b, func(b *testing.B, fill func(rows []sink.Row[session], turn int)) {
		b.Run("by=millrace", func(b *testing.B) {
			w := openWriter(b, postgres.Upsert(dsn, newTable(b, conn), sinkbench.Columns))
			measure(b, fill, func(rows []sink.Row[session]) error { return w.Write(context.Background(), rows) })
		})
		b.Run("by=pgx", func(b *testing.B) { measure(b, fill, bareUpsert(b, dsn, conn)) })
	})
}

// BenchmarkUpsertRatio takes turns with the loop by hand.
func BenchmarkUpsertRatio(b *testing.B) {
	dsn := testDSN(b)
	conn := connect(b, dsn)
	sinkbench.Compare(b, func(b *testing.B) (sink.Writer[session], func(rows []sink.Row[session]) error) {
		return openWriter(b, postgres.Upsert(dsn, newTable(b, conn), sinkbench.Columns)), bareUpsert(b, dsn, conn)
	})
}

// bareUpsert makes a table, and the loop by hand that writes to it.
func bareUpsert(b *testing.B, dsn string, conn *pgx.Conn) func(rows []sink.Row[session]) error {
	name := newTable(b, conn)
	openWriter(b, postgres.Upsert(dsn, name, sinkbench.Columns)) // makes the table
	upsert := bareStatement(name)
	return func(rows []sink.Row[session]) error {
		users := make([]string, len(rows))
		numbers := make([][]int64, 7)
		for i := range numbers {
			numbers[i] = make([]int64, len(rows))
		}
		for i, r := range rows {
			users[i] = r.Value.User
			for j, n := range []int64{r.Value.Start, r.Value.End, r.Value.Duration, r.Value.Events, r.Value.AddToCarts, r.Value.Checkouts, r.Value.Abandoned} {
				numbers[j][i] = n
			}
		}
		_, err := conn.Exec(context.Background(), upsert, users, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6])
		return err
	}
}

func bareStatement(name string) string {
	var names, arrays, set []string
	for i, col := range sinkbench.Columns.All() {
		names = append(names, col.Name())
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, map[bool]string{true: "text", false: "bigint"}[i == 0]))
		if !col.IsKey() {
			set = append(set, col.Name()+"=excluded."+col.Name())
		}
	}
	return "INSERT INTO " + name + " (" + strings.Join(names, ",") + ") SELECT * FROM unnest(" + strings.Join(arrays, ",") +
		") ON CONFLICT (user_id, session_start) DO UPDATE SET " + strings.Join(set, ",")
}
