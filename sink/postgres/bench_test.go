//go:build integration

package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/table"
)

type session struct {
	User                                                           string
	Start, End, Duration, Events, AddToCarts, Checkouts, Abandoned int64
}

var sessionColumns = table.Of(
	table.Key(table.Text("user_id", func(s session) string { return s.User })),
	table.Key(table.Int("session_start", func(s session) int64 { return s.Start })),
	table.Int("session_end", func(s session) int64 { return s.End }),
	table.Int("duration_ms", func(s session) int64 { return s.Duration }),
	table.Int("events", func(s session) int64 { return s.Events }),
	table.Int("add_to_carts", func(s session) int64 { return s.AddToCarts }),
	table.Int("checkouts", func(s session) int64 { return s.Checkouts }),
	table.Int("abandoned", func(s session) int64 { return s.Abandoned }),
)

const benchRows = 1000

// fill makes a batch of other keys for each turn (insert), or of the same (update).
func fill(rows []sink.Row[session], turn int, update bool) {
	for i := range rows {
		start := int64(1_700_000_000_000)
		if !update {
			start += int64(turn)
		}
		rows[i].Value = session{fmt.Sprintf("user_%06d", i), start, start + int64(turn), int64(turn), 12, 1, 0, 1}
	}
}

// BenchmarkUpsert compares a Writer with the loop one would write by hand around the same statement, in batches of 1000 rows.
func BenchmarkUpsert(b *testing.B) {
	dsn := testDSN(b)
	conn := connect(b, dsn)
	for _, update := range []bool{false, true} {
		kind := map[bool]string{false: "insert", true: "update"}[update]
		rows := make([]sink.Row[session], benchRows)
		b.Run("by=millrace/kind="+kind, func(b *testing.B) {
			w := openWriter(b, postgres.Upsert(dsn, newTable(b, conn), sessionColumns))
			b.ReportAllocs()
			for turn := 0; b.Loop(); turn++ {
				fill(rows, turn, update)
				require.NoError(b, w.Write(context.Background(), rows))
			}
			b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run("by=pgx/kind="+kind, func(b *testing.B) {
			name := newTable(b, conn)
			openWriter(b, postgres.Upsert(dsn, name, sessionColumns)) // makes the table
			upsert := bareStatement(name)
			b.ReportAllocs()
			for turn := 0; b.Loop(); turn++ {
				fill(rows, turn, update)
				bareLoop(b, conn, upsert, rows)
			}
			b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkUpsertRatio takes turns with the hand-written loop, so that a busy machine slows both: vs_pgx above 1 is faster than by hand.
func BenchmarkUpsertRatio(b *testing.B) {
	dsn := testDSN(b)
	conn := connect(b, dsn)
	for _, update := range []bool{false, true} {
		b.Run("kind="+map[bool]string{false: "insert", true: "update"}[update], func(b *testing.B) {
			rows := make([]sink.Row[session], benchRows)
			w := openWriter(b, postgres.Upsert(dsn, newTable(b, conn), sessionColumns))
			name := newTable(b, conn)
			openWriter(b, postgres.Upsert(dsn, name, sessionColumns)) // makes the table
			upsert := bareStatement(name)
			var ours, bare time.Duration
			for turn := 0; b.Loop(); turn++ {
				fill(rows, turn, update)
				start := time.Now()
				require.NoError(b, w.Write(context.Background(), rows))
				ours += time.Since(start)
				start = time.Now()
				bareLoop(b, conn, upsert, rows)
				bare += time.Since(start)
			}
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "vs_pgx")
			b.ReportMetric(float64(b.N)*benchRows/ours.Seconds(), "rows/s")
		})
	}
}

func bareStatement(name string) string {
	var names, arrays, set []string
	for i, col := range sessionColumns.All() {
		names = append(names, col.Name())
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, map[bool]string{true: "text", false: "bigint"}[i == 0]))
		if !col.IsKey() {
			set = append(set, col.Name()+"=excluded."+col.Name())
		}
	}
	return "INSERT INTO " + name + " (" + strings.Join(names, ",") + ") SELECT * FROM unnest(" + strings.Join(arrays, ",") +
		") ON CONFLICT (user_id, session_start) DO UPDATE SET " + strings.Join(set, ",")
}

func bareLoop(b *testing.B, conn *pgx.Conn, upsert string, rows []sink.Row[session]) {
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
	require.NoError(b, err)
}
