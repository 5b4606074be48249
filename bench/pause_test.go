package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

var (
	pauseKeys = flag.Int("pause-keys", 100_000, "keys of BenchmarkPause")
	pauseRate = flag.Float64("pause-rate", 0, "records a second of BenchmarkPause; 0 for as many as it can, where most of what it measures is how long a task waits for its turn on a core")
)

// BenchmarkPause is how long checkpoints, one a second, stop the tasks of a job in which each record changes the state of another of many keys. An operation is a record; give a number
// of them that is some times that of the keys: -benchtime 30000000x -pause-keys 10000000. Bytes are those of a whole checkpoint, which writes what changed.
func BenchmarkPause(b *testing.B) {
	for _, exchange := range []bool{false, true} {
		b.Run(fmt.Sprintf("exchange=%v/keys=%d", exchange, *pauseKeys), func(b *testing.B) { pause(b, exchange, *pauseKeys, int64(b.N)) })
	}
}

func pause(b *testing.B, exchange bool, users int, n int64) {
	var total atomic.Int64
	job := stream.NewJob("bench", stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))), stream.DefaultParallelism(2), stream.StatusEvery(0),
		stream.CheckpointEvery(time.Second), stream.MemoryBudget(12<<30), stream.StateDir(b.TempDir()), stream.NoDrain(), stream.RateLimit(limit.New(limit.Rate{Events: *pauseRate})))
	src := newClicks(splits, max(1, n/splits), users)
	src.dense = 1 << 20
	from := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(time.Minute, clickTime))
	keyed := stream.KeyBy(from, clickUser)
	if !exchange {
		keyed = bySplit(from)
	}
	counts := stream.Aggregate(stream.Window(keyed, window.EventTimeSession(30*time.Minute)), "sessions", count{})
	stream.To(counts, "sink", counted{&total})
	b.ResetTimer()
	if err := job.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	var all stream.PauseStatus
	for _, t := range job.Status().Tasks {
		all.Add(t.Checkpoints)
	}
	var checkpoints int64
	for _, c := range job.Status().Checkpoints {
		checkpoints += c.Completed
	}
	b.ReportMetric(float64(all.Longest.Microseconds()), "pause-max-us")
	b.ReportMetric(float64(all.Quantile(0.99).Microseconds()), "pause-p99-us")
	b.ReportMetric(float64(checkpoints), "checkpoints")
	b.ReportMetric(float64(job.Count("checkpoint_bytes"))/float64(max(1, checkpoints)), "bytes/checkpoint")
}
