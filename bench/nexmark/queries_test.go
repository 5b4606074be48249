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
	q2, q3, q7 := results[AuctionPrice](t, "q2-100k.txt.gz"), results[LocalAuction](t, "q3-100k.txt.gz"), results[Bid](t, "q7-100k.txt.gz")
	for _, p := range parallelisms {
		require.Len(t, run(t, golden, p, Q0), 100_000)
		require.Len(t, run(t, golden, p, Q1), 92_000)
		require.Equal(t, q2, bag(run(t, golden, p, Q2)))
		require.Equal(t, q3, bag(run(t, golden, p, Q3)))
		auctions := 0
		for _, h := range run(t, golden, p, Q5) {
			auctions += len(h.Auctions)
		}
		require.Equal(t, 28, auctions)
		require.Equal(t, q7, bag(run(t, golden, p, Q7)))
		require.Len(t, run(t, golden, p, Q8), 4918)
		require.Len(t, run(t, golden, p, Q9), 3121)
	}
}

// Beam's model of query 4 gives the last average of each category only.
func TestLastAveragesAreBeams(t *testing.T) {
	type last struct {
		Category int64 `json:"category"`
		Price    int64 `json:"price"`
		IsLast   bool  `json:"isLast"`
	}
	want := results[last](t, "q4-100k.txt.gz")
	for _, p := range parallelisms {
		newest := map[int64]CategoryPrice{}
		for _, c := range run(t, golden, p, Q4) {
			if c.Window.End > newest[c.Category].Window.End {
				newest[c.Category] = c
			}
		}
		var got []last
		for _, c := range newest {
			got = append(got, last{c.Category, c.Price, true})
		}
		require.Equal(t, want, bag(got))
	}
}

// matches runs a query in all ways and compares it with what its model gave.
func matches[T any](t *testing.T, c Config, query func(stream.DataStream[Event]) stream.DataStream[T], model []T) {
	t.Helper()
	require.NotEmpty(t, model)
	want := bag(model)
	for _, p := range parallelisms {
		require.Equal(t, want, bag(run(t, c, p, query)), "parallelism %d", p)
	}
}

// Generators side by side and out of order; at 30 events a second people pause, and what waits for too long is left out.
func TestResultsAreTheModels(t *testing.T) {
	for _, c := range []Config{golden, {Events: 30_000, Rate: 300, Generators: 4, GroupSize: 500}, {Events: 60_000, Rate: 30, Generators: 2, GroupSize: 30}} {
		t.Run(Source(c).String(), func(t *testing.T) {
			t.Parallel()
			events := slices.Concat(made(c)...)
			matches(t, c, Q1, oracleQ1(events))
			matches(t, c, Q3, oracleQ3(events))
			matches(t, c, Q4, oracleQ4(events))
			matches(t, c, Q5, oracleQ5(events))
			matches(t, c, Q7, oracleQ7(events))
			matches(t, c, Q8, oracleQ8(events))
			matches(t, c, Q9, oracleQ9(events))
			matches(t, c, Q11, oracleQ11(events))
		})
	}
}

var stopped = Config{Events: 30_000, Rate: 1000}

// A job that stops in mid-input and goes on from its state gives each result once, and the same.
func TestResultsAreTheSameAcrossAStop(t *testing.T) {
	events := made(stopped)[0]
	t.Run("q3", func(t *testing.T) { continued(t, Q3, oracleQ3(events)) })
	t.Run("q4", func(t *testing.T) { continued(t, Q4, oracleQ4(events)) })
	t.Run("q5", func(t *testing.T) { continued(t, Q5, oracleQ5(events)) })
	t.Run("q7", func(t *testing.T) { continued(t, Q7, oracleQ7(events)) })
	t.Run("q8", func(t *testing.T) { continued(t, Q8, oracleQ8(events)) })
	t.Run("q9", func(t *testing.T) { continued(t, Q9, oracleQ9(events)) })
	t.Run("q11", func(t *testing.T) { continued(t, Q11, oracleQ11(events)) })
}

func continued[T any](t *testing.T, query func(stream.DataStream[Event]) stream.DataStream[T], model []T) {
	t.Parallel()
	dir := t.TempDir()
	var out memory.List[T]
	for i, until := range []int64{9_999, 20_001, 30_000} {
		opts := []stream.JobOption{stream.StateDir(dir), stream.DefaultParallelism(i + 1), stream.Logger(slog.New(slog.DiscardHandler))}
		if until < stopped.Events {
			opts = append(opts, stream.NoDrain())
		}
		c := stopped
		c.Events = until
		job := stream.NewJob("nexmark", opts...)
		stream.To(query(stream.From(job, "events", Source(c), c.Watermarks())), "out", &out)
		require.NoError(t, job.Run(context.Background()))
		if i == 0 {
			require.Less(t, len(out.Rows()), len(model), "results were still to come at the first stop")
		}
	}
	require.Equal(t, bag(model), bag(out.Rows()))
}
