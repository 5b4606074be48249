// Package bench measures the engine. See README.md for the commands.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

type click struct {
	user string
	at   int64
}

func clickTime(c click) time.Time { return time.UnixMilli(c.at) }
func clickUser(c click) string    { return c.user }

// clicks is a source that makes n records a split without allocating: users in turn, 10 ms apart, so that a user's clicks are a session.
type clicks struct {
	splits  int
	n       int64
	users   []string
	dense   int64 // clicks in a millisecond; 0 for one in 10 ms
	present int   // users of a split that click for a spell, before others do; 0 for all
}

func newClicks(splits int, n int64, users int) *clicks {
	c := &clicks{splits: splits, n: n}
	for i := range users {
		c.users = append(c.users, fmt.Sprintf("user-%07d", i))
	}
	return c
}

func (c *clicks) Open(context.Context, source.Env) (source.Session[click], error) { return c, nil }
func (c *clicks) String() string                                                  { return "clicks" }
func (c *clicks) Close() error                                                    { return nil }

func (c *clicks) Splits(context.Context) ([]source.Split, error) {
	var s []source.Split
	for i := range c.splits {
		s = append(s, source.Split{ID: fmt.Sprint(i), Topic: "clicks", Partition: int32(i), Partitions: int32(c.splits), Stop: c.n})
	}
	return s, nil
}

func (c *clicks) Reader(_ context.Context, s source.Split, at int64) (source.Reader[click], error) {
	return &clickReader{c, s, at}, nil
}

type clickReader struct {
	*clicks
	split source.Split
	at    int64
}

const clickChunk = 8192

func (r *clickReader) Fetch(context.Context) (source.Chunk[click], error) {
	if r.at >= r.n {
		return nil, source.EOF
	}
	c := &clickChunk_{r.clicks, int64(r.split.Partition), r.at, min(r.n, r.at+clickChunk)}
	r.at = c.end
	return c, nil
}

type clickChunk_ struct {
	*clicks
	split, at, end int64
}

func (c *clickChunk_) Next(r *source.Record[click]) bool {
	if c.at == c.end {
		return false
	}
	// A user belongs to one split.
	user := (c.at*int64(c.splits) + c.split) % int64(len(c.users))
	if present := int64(c.present); present > 0 {
		user = ((c.at/spell*present+c.at%present)*int64(c.splits) + c.split) % int64(len(c.users))
	}
	r.Value = click{c.users[user], 1_700_000_000_000 + c.at*10}
	if c.dense > 0 {
		r.Value.at = 1_700_000_000_000 + c.at/c.dense
	}
	r.Offset, r.Timestamp = c.at, source.NoTimestamp
	c.at++
	return true
}
func (c *clickChunk_) End() int64  { return c.end }
func (c *clickChunk_) AtEnd() bool { return c.end == c.n }

type count struct{}

func (count) New() int64                                          { return 0 }
func (count) Add(n int64, _ click) int64                          { return n + 1 }
func (count) Merge(a, b int64) int64                              { return a + b }
func (count) Result(_ string, _ window.TimeWindow, n int64) int64 { return n }

// counted is a sink that adds up what it gets.
type counted struct{ total *atomic.Int64 }

func (s counted) Open(context.Context, sink.Env) (sink.Writer[int64], error) { return s, nil }
func (s counted) Traits() sink.Traits                                        { return sink.Traits{} }
func (s counted) String() string                                             { return "counted" }
func (s counted) Close() error                                               { return nil }
func (s counted) Write(_ context.Context, rows []sink.Row[int64]) error {
	for _, r := range rows {
		s.total.Add(r.Value)
	}
	return nil
}

// way is a way to run the session job.
type way struct {
	exchange bool
	users    int
	present  int
	durable  bool
	memory   int64 // of the job; 0 for 1 GiB
}

func (w way) String() string {
	return fmt.Sprintf("exchange=%v/users=%d/durable=%v", w.exchange, w.users, w.durable)
}

const splits = 4

// spell is for how many clicks of a split the same users are present: 200 seconds.
const spell = 20_000

func sessions(b testing.TB, w way, n int64) {
	var total atomic.Int64
	opts := []stream.JobOption{
		stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))), stream.DefaultParallelism(2), stream.StatusEvery(0), stream.CheckpointEvery(time.Second),
		stream.MemoryBudget(cmp.Or(w.memory, 1<<30)),
	}
	if w.durable {
		opts = append(opts, stream.StateDir(b.TempDir()))
	}
	job := stream.NewJob("bench", opts...)
	src := newClicks(splits, n/splits, w.users)
	src.present = w.present
	from := stream.From(job, "clicks", src, watermark.BoundedOutOfOrderness(time.Minute, clickTime))
	keyed := stream.KeyBy(from, clickUser)
	if !w.exchange {
		keyed = bySplit(from)
	}
	counts := stream.Aggregate(stream.Window(keyed, window.EventTimeSession(30*time.Minute)), "sessions", count{})
	stream.To(counts, "sink", counted{&total})
	if err := job.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
	if want := n / splits * splits; total.Load() != want {
		b.Fatalf("the sessions hold %d records, want %d", total.Load(), want)
	}
}

// bySplit keys clicks in place: a user belongs to one split.
func bySplit(from stream.DataStream[click]) stream.KeyedStream[string, click] {
	return stream.KeyByPartition(from, clickUser, stream.PartitionedBy(stream.Partitioner{Name: "by split", Partition: func(key []byte, n int32) int32 {
		var user int32
		for _, c := range key[len("user-"):] {
			user = user*10 + int32(c-'0')
		}
		return user % n
	}}))
}

func BenchmarkSessions(b *testing.B) {
	for _, w := range ways {
		b.Run(w.String(), func(b *testing.B) {
			b.ReportAllocs()
			sessions(b, w, int64(b.N))
		})
	}
}

var ways = []way{
	{users: 1000}, {users: 1000, exchange: true}, {users: 1000, durable: true}, {users: 1000, exchange: true, durable: true},
	{users: 100_000}, {users: 100_000, exchange: true},
}

// The engine allocates nothing for a record: what it allocates is for keys, batches and checkpoints.
func TestNoAllocationsPerRecord(t *testing.T) {
	for _, w := range []way{{users: 1000}, {users: 1000, exchange: true}} {
		t.Run(w.String(), func(t *testing.T) {
			allocations := func(n int64) float64 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				sessions(t, w, n)
				runtime.ReadMemStats(&after)
				return float64(after.Mallocs - before.Mallocs)
			}
			const small, large = 1 << 17, 1 << 20
			per := (allocations(large) - allocations(small)) / (large - small)
			t.Logf("%.4f allocations per record", per)
			if per > 0.01 {
				t.Errorf("%.4f allocations per record, want none", per)
			}
		})
	}
}
