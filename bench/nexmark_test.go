package bench

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/bench/nexmark"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
)

// nexmarkEvents are those of a run: 100 seconds of event time.
var nexmarkEvents = nexmark.Config{Events: 1_000_000, Rate: 10_000, Generators: splits}

// nexmarkQuery is a query with a sink that counts its results.
type nexmarkQuery struct {
	name  string
	state bool
	build func(events stream.DataStream[nexmark.Event], rows *atomic.Int64)
}

func queryOf[T any](name string, state bool, q func(stream.DataStream[nexmark.Event]) stream.DataStream[T]) nexmarkQuery {
	return nexmarkQuery{name, state, func(events stream.DataStream[nexmark.Event], rows *atomic.Int64) {
		stream.To(q(events), "out", rowCount[T]{rows})
	}}
}

var nexmarkQueries = []nexmarkQuery{
	queryOf("q0", false, nexmark.Q0), queryOf("q1", false, nexmark.Q1), queryOf("q2", false, nexmark.Q2),
	queryOf("q3", true, nexmark.Q3), queryOf("q4", true, nexmark.Q4), queryOf("q5", true, nexmark.Q5), queryOf("q7", true, nexmark.Q7),
	queryOf("q8", true, nexmark.Q8), queryOf("q9", true, nexmark.Q9), queryOf("q11", true, nexmark.Q11),
}

// rowCount is a sink that counts rows and looks at nothing else.
type rowCount[T any] struct{ rows *atomic.Int64 }

func (s rowCount[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) { return s, nil }
func (s rowCount[T]) Traits() sink.Traits                                    { return sink.Traits{} }
func (s rowCount[T]) String() string                                         { return "row count" }
func (s rowCount[T]) Close() error                                           { return nil }
func (s rowCount[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	s.rows.Add(int64(len(rows)))
	return nil
}

// An operation is a run of a query over a million events, which are made on the way: "q0" is the cost of that and of the engine, and to be taken off the others.
func BenchmarkNexmark(b *testing.B) {
	for _, q := range nexmarkQueries {
		b.Run("query="+q.name, func(b *testing.B) {
			if !q.state {
				benchmarkQuery(b, q, false)
				return
			}
			b.Run("durable=false", func(b *testing.B) { benchmarkQuery(b, q, false) })
			b.Run("durable=true", func(b *testing.B) { benchmarkQuery(b, q, true) })
		})
	}
}

func benchmarkQuery(b *testing.B, q nexmarkQuery, durable bool) {
	b.ReportAllocs()
	first := int64(-1)
	cpu := cpuTime(b)
	for b.Loop() {
		opts := []stream.JobOption{
			stream.Logger(slog.New(slog.DiscardHandler)), stream.DefaultParallelism(2), stream.StatusEvery(0), stream.CheckpointEvery(time.Second), stream.MemoryBudget(1 << 30),
		}
		if durable {
			opts = append(opts, stream.StateDir(b.TempDir()))
		}
		job := stream.NewJob("nexmark", opts...)
		var rows atomic.Int64
		q.build(stream.From(job, "events", nexmark.Source(nexmarkEvents), nexmarkEvents.Watermarks()), &rows)
		if err := job.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
		if first < 0 {
			first = rows.Load()
		}
		if n := rows.Load(); n == 0 || n != first {
			b.Fatalf("%d results, the first run had %d", n, first)
		}
	}
	events := float64(b.N) * float64(nexmarkEvents.Events)
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(cpuTime(b)-cpu)/events, "cpu-ns/event")
}
