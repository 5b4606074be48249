// Package sinkbench measures sinks beside loops by hand around their drivers.
package sinkbench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// Rows is how many rows a Write has.
const Rows = 1000

// Session is a row of eight columns.
type Session struct {
	User       string `json:"user_id"`
	Start      int64  `json:"session_start"`
	End        int64  `json:"session_end"`
	Duration   int64  `json:"duration_ms"`
	Events     int64  `json:"events"`
	AddToCarts int64  `json:"add_to_carts"`
	Checkouts  int64  `json:"checkouts"`
	Abandoned  int64  `json:"abandoned"`
}

// Columns are those of a Session; User and Start are the key.
var Columns = table.Of(
	table.Key(table.Text("user_id", func(s Session) string { return s.User })),
	table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
	table.Int("session_end", func(s Session) int64 { return s.End }),
	table.Int("duration_ms", func(s Session) int64 { return s.Duration }),
	table.Int("events", func(s Session) int64 { return s.Events }),
	table.Int("add_to_carts", func(s Session) int64 { return s.AddToCarts }),
	table.Int("checkouts", func(s Session) int64 { return s.Checkouts }),
	table.Int("abandoned", func(s Session) int64 { return s.Abandoned }),
)

// Kinds runs a benchmark with rows of other keys at each turn (insert), and with rows of the same (update).
func Kinds(b *testing.B, run func(b *testing.B, fill func(rows []sink.Row[Session], turn int))) {
	for _, update := range []bool{false, true} {
		kind := map[bool]string{false: "insert", true: "update"}[update]
		b.Run("kind="+kind, func(b *testing.B) {
			run(b, func(rows []sink.Row[Session], turn int) {
				for i := range rows {
					start := int64(1_700_000_000_000)
					if !update {
						start += int64(turn)
					}
					rows[i].Value = Session{fmt.Sprintf("user_%06d", i), start, start + int64(turn), int64(turn), 12, 1, 0, 1}
				}
			})
		})
	}
}

// Compare lets a Writer and a loop by hand take turns, so that a busy machine slows both: vs-driver above 1 is faster than by hand. Both write to tables of their own, which
// open makes.
func Compare(b *testing.B, open func(b *testing.B) (w sink.Writer[Session], bare func(rows []sink.Row[Session]) error)) {
	Kinds(b, func(b *testing.B, fill func(rows []sink.Row[Session], turn int)) {
		w, bare := open(b)
		rows := make([]sink.Row[Session], Rows)
		var ours, theirs time.Duration
		for turn := 0; b.Loop(); turn++ {
			fill(rows, turn)
			start := time.Now()
			require.NoError(b, w.Write(context.Background(), rows))
			between := time.Now()
			require.NoError(b, bare(rows))
			ours += between.Sub(start)
			theirs += time.Since(between)
		}
		b.ReportMetric(theirs.Seconds()/ours.Seconds(), "vs-driver")
		b.ReportMetric(float64(b.N)*Rows/ours.Seconds(), "rows/s")
	})
}
