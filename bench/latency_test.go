package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// paced is a source that makes records at a steady rate, a few each millisecond, stamped with the time they were made.
type paced struct {
	perSecond, n int64
}

func (p paced) Open(context.Context, source.Env) (source.Session[click], error) { return p, nil }
func (p paced) String() string                                                  { return "paced" }
func (p paced) Close() error                                                    { return nil }
func (p paced) Splits(context.Context) ([]source.Split, error) {
	return []source.Split{{ID: "0", Topic: "paced", Partitions: 1, Stop: p.n}}, nil
}
func (p paced) Reader(context.Context, source.Split, int64) (source.Reader[click], error) {
	return &pacedReader{paced: p, began: time.Now()}, nil
}

type pacedReader struct {
	paced
	began time.Time
	at    int64
}

func (r *pacedReader) Fetch(ctx context.Context) (source.Chunk[click], error) {
	if r.at == r.n {
		return nil, source.EOF
	}
	time.Sleep(time.Millisecond)
	now := time.Now()
	due := min(r.n, int64(now.Sub(r.began).Seconds()*float64(r.perSecond)))
	c := &pacedChunk{from: r.at, to: due, made: now}
	r.at = max(r.at, due)
	return c, ctx.Err()
}

var pacedUsers = newClicks(1, 0, 1000).users

type pacedChunk struct {
	from, to int64
	made     time.Time
}

func (c *pacedChunk) Next(r *source.Record[click]) bool {
	if c.from >= c.to {
		return false
	}
	r.Value = click{pacedUsers[c.from%int64(len(pacedUsers))], c.made.UnixNano()}
	r.Offset, r.Timestamp = c.from, c.made.UnixMilli()
	c.from++
	return true
}
func (c *pacedChunk) End() int64  { return max(c.from, c.to) }
func (c *pacedChunk) AtEnd() bool { return true }

type pass struct{}

func (pass) Process(_ *stream.Context, in stream.Keyed[string, click], out *stream.Collector[click]) error {
	out.Emit(in.Value)
	return nil
}

// delays is a sink that notes how old records are when they arrive.
type delays struct{ ns *[]int64 }

func (d delays) Open(context.Context, sink.Env) (sink.Writer[click], error) { return d, nil }
func (d delays) Traits() sink.Traits                                        { return sink.Traits{} }
func (d delays) String() string                                             { return "delays" }
func (d delays) Close() error                                               { return nil }
func (d delays) Write(_ context.Context, rows []sink.Row[click]) error {
	now := time.Now().UnixNano()
	for _, r := range rows {
		*d.ns = append(*d.ns, now-r.Value.at)
	}
	return nil
}

// BenchmarkLatency is the time of a record from its source through an exchange and a keyed function to the sink, at 20,000 records a second. An operation is a
// record.
func BenchmarkLatency(b *testing.B) {
	const perSecond = 20_000
	b.Run(fmt.Sprintf("rate=%d/checkpoint=1s", perSecond), func(b *testing.B) {
		ns := make([]int64, 0, b.N)
		job := stream.NewJob("latency", stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))), stream.StateDir(b.TempDir()), stream.CheckpointEvery(time.Second),
			stream.StatusEvery(0))
		from := stream.From(job, "paced", paced{perSecond, int64(b.N)}, watermark.None(func(c click) time.Time { return time.Unix(0, c.at) }))
		stream.To(stream.Process(stream.KeyBy(from, clickUser), "pass", pass{}), "delays", delays{&ns})
		if err := job.Run(context.Background()); err != nil {
			b.Fatal(err)
		}
		slices.Sort(ns)
		for name, q := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "p99.9-ms": 0.999} {
			b.ReportMetric(float64(ns[int(q*float64(len(ns)-1))])/1e6, name)
		}
	})
}
