package nexmark

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/stream"
)

// golden is the input that the results in testdata were made of.
var golden = Config{Events: 100_000, Rate: 1000}

// run gives the results of a query over the events of c, in any order.
func run[T any](t *testing.T, c Config, parallelism int, query func(stream.DataStream[Event]) stream.DataStream[T]) []T {
	t.Helper()
	job := stream.NewJob("nexmark", stream.DefaultParallelism(parallelism), stream.Logger(slog.New(slog.DiscardHandler)))
	var out memory.List[T]
	stream.To(query(stream.From(job, "events", Source(c), c.Watermarks())), "out", &out)
	require.NoError(t, job.Run(context.Background()))
	require.Zero(t, job.Count("late"))
	return out.Rows()
}

// bag counts equal rows by their text, so that results compare whatever their order.
func bag[T any](rows []T) map[string]int {
	all := map[string]int{}
	for _, r := range rows {
		all[fmt.Sprintf("%+v", r)]++
	}
	return all
}

// results reads the JSON of a file of testdata.
func results[T any](t *testing.T, name string) map[string]int {
	t.Helper()
	var all []T
	for _, l := range lines(t, name) {
		_, text, ok := strings.Cut(l, "|")
		require.True(t, ok, l)
		var v T
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&v))
		all = append(all, v)
	}
	return bag(all)
}

var parallelisms = []int{1, 3}

func TestResultsAreBeams(t *testing.T) {
	q2, q7 := results[AuctionPrice](t, "q2-100k.txt.gz"), results[Bid](t, "q7-100k.txt.gz")
	for _, p := range parallelisms {
		require.Len(t, run(t, golden, p, Q0), 100_000)
		require.Len(t, run(t, golden, p, Q1), 92_000)
		require.Equal(t, q2, bag(run(t, golden, p, Q2)))
		auctions := 0
		for _, h := range run(t, golden, p, Q5) {
			auctions += len(h.Auctions)
		}
		require.Equal(t, 28, auctions)
		require.Equal(t, q7, bag(run(t, golden, p, Q7)))
		require.Len(t, run(t, golden, p, Q8), 4918)
	}
}

// Generators side by side, out of order, over several windows and sessions: slow enough that sessions end.
func TestResultsAreTheOracles(t *testing.T) {
	for _, c := range []Config{golden, {Events: 30_000, Rate: 300, Generators: 4, GroupSize: 500}} {
		events := slices.Concat(made(c)...)
		q5, q7, q8, q11 := bag(oracleQ5(events)), bag(oracleQ7(events)), bag(oracleQ8(events)), bag(oracleQ11(events))
		for _, p := range parallelisms {
			require.Equal(t, q5, bag(run(t, c, p, Q5)))
			require.Equal(t, q7, bag(run(t, c, p, Q7)))
			require.Equal(t, q8, bag(run(t, c, p, Q8)))
			require.Equal(t, q11, bag(run(t, c, p, Q11)))
		}
	}
}
