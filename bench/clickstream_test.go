package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/partitioner"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// logEvents is the length of the benchmarks' log.
const logEvents = 500_000

// clickLog writes a generated log as length-delimited protobuf, a file for each partition.
func clickLog(b testing.TB) (paths []string) {
	var files []*bufio.Writer
	dir := b.TempDir()
	for p := range splits {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("clicks-%d.pb", p)))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { f.Close() })
		paths = append(paths, f.Name())
		files = append(files, bufio.NewWriter(f))
	}
	var buf []byte
	for e := range (loggen.Config{Seed: 1, Events: logEvents, Minutes: -1, Hours: -1}).All() {
		m := &pb.ClickEvent{UserId: e.UserID, SessionId: e.SessionID, Url: e.URL, EventType: e.EventType, EventTimestamp: e.Timestamp, Properties: e.Properties}
		body, err := m.MarshalVT()
		if err != nil {
			b.Fatal(err)
		}
		buf = append(binary.AppendUvarint(buf[:0], uint64(len(body))), body...)
		if _, err := files[partitioner.Murmur2([]byte(e.UserID), splits)].Write(buf); err != nil {
			b.Fatal(err)
		}
	}
	for _, f := range files {
		if err := f.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	return paths
}

// tally is what a session comes to, small enough to compare whole runs by their sums.
type tally struct{ first, last, events, carts, checkouts int64 }

func (t *tally) add(e *pb.ClickEvent) {
	ts := e.EventTimestamp
	if t.events == 0 {
		t.first, t.last = ts, ts
	}
	t.first, t.last = min(t.first, ts), max(t.last, ts)
	t.events++
	switch e.EventType {
	case "add_to_cart":
		t.carts++
	case "checkout":
		t.checkouts++
	}
}

func (t tally) merge(o tally) tally {
	if t.events == 0 {
		return o
	}
	return tally{min(t.first, o.first), max(t.last, o.last), t.events + o.events, t.carts + o.carts, t.checkouts + o.checkouts}
}

var tallyCodec = codec.Func("tally/1", func(dst []byte, t tally) ([]byte, error) {
	for _, v := range []int64{t.first, t.last, t.events, t.carts, t.checkouts} {
		dst = binary.AppendVarint(dst, v)
	}
	return dst, nil
}, func(src []byte) (t tally, err error) {
	for _, v := range []*int64{&t.first, &t.last, &t.events, &t.carts, &t.checkouts} {
		x, n := binary.Varint(src)
		if n <= 0 {
			return t, io.ErrUnexpectedEOF
		}
		*v, src = x, src[n:]
	}
	return t, nil
})

type tallies struct{}

func (tallies) New() tally                                          { return tally{} }
func (tallies) Add(t tally, e *pb.ClickEvent) tally                 { t.add(e); return t }
func (tallies) Merge(a, b tally) tally                              { return a.merge(b) }
func (tallies) Result(_ string, _ window.TimeWindow, t tally) tally { return t }
func (tallies) Codec() state.Codec[tally]                           { return tallyCodec }

// sums is a sink that adds up sessions and their events.
type sums struct{ sessions, events *atomic.Int64 }

func (s sums) Open(context.Context, sink.Env) (sink.Writer[tally], error) { return s, nil }
func (s sums) Traits() sink.Traits                                        { return sink.Traits{} }
func (s sums) String() string                                             { return "sums" }
func (s sums) Close() error                                               { return nil }
func (s sums) Write(_ context.Context, rows []sink.Row[tally]) error {
	s.sessions.Add(int64(len(rows)))
	for _, r := range rows {
		s.events.Add(r.Value.events)
	}
	return nil
}

const benchGap = int64(30 * time.Minute / time.Millisecond)

// byHand is the session job without an engine: one loop over one file after the other, a map of open sessions, no state that outlives it.
func byHand(b testing.TB, paths []string, decode *codec.ProtoCodec[*pb.ClickEvent]) (sessions, events int64) {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		in := bufio.NewReaderSize(f, 1<<20)
		open := map[string]*tally{}
		for {
			n, err := binary.ReadUvarint(in)
			if err == io.EOF {
				break
			}
			body := make([]byte, n)
			if _, err := io.ReadFull(in, body); err != nil {
				b.Fatal(err)
			}
			e, err := decode.DecodeRecord(&source.Raw{Value: body})
			if err != nil {
				b.Fatal(err)
			}
			t := open[e.UserId]
			if t == nil {
				t = &tally{}
				open[e.UserId] = t
			}
			if t.events > 0 && e.EventTimestamp > t.last+benchGap {
				sessions, events = sessions+1, events+t.events
				*t = tally{}
			}
			t.add(e)
		}
		for _, t := range open {
			sessions, events = sessions+1, events+t.events
		}
		f.Close()
	}
	return sessions, events
}

func engine(b testing.TB, paths []string, decode *codec.ProtoCodec[*pb.ClickEvent], exchange, durable bool) (sessions, events int64) {
	var s sums
	s.sessions, s.events = new(atomic.Int64), new(atomic.Int64)
	opts := []stream.JobOption{
		stream.Logger(slog.New(slog.NewTextHandler(io.Discard, nil))), stream.DefaultParallelism(2), stream.StatusEvery(0), stream.CheckpointEvery(time.Second),
	}
	if durable {
		opts = append(opts, stream.StateDir(b.TempDir()))
	}
	job := stream.NewJob("clickstream", opts...)
	from := stream.From(job, "clicks", file.Delimited(decode, paths...),
		watermark.BoundedOutOfOrderness(time.Minute, func(e *pb.ClickEvent) time.Time { return time.UnixMilli(e.EventTimestamp) }))
	byUser := stream.KeyByPartition(from, (*pb.ClickEvent).GetUserId)
	if exchange {
		byUser = stream.KeyBy(from, (*pb.ClickEvent).GetUserId, stream.OneSplitPerKey())
	}
	stream.To(stream.Aggregate(stream.Window(byUser, window.EventTimeSession(30*time.Minute)), "sessions", tallies{}), "sums", s)
	if err := job.Run(context.Background()); err != nil {
		b.Fatal(err)
	}
	return s.sessions.Load(), s.events.Load() + job.Count("late")
}

// BenchmarkClickstream is the session job over a log of protobuf clicks in files, by hand and on the engine. An operation is one event.
func BenchmarkClickstream(b *testing.B) {
	paths := clickLog(b)
	for name, decode := range map[string]*codec.ProtoCodec[*pb.ClickEvent]{
		"vt": codec.Proto[*pb.ClickEvent](), "aliased": codec.Proto[*pb.ClickEvent](codec.Aliased()),
	} {
		for _, way := range []struct {
			name string
			run  func() (sessions, events int64)
		}{
			{"by=hand", func() (int64, int64) { return byHand(b, paths, decode) }},
			{"by=engine/exchange=false/durable=false", func() (int64, int64) { return engine(b, paths, decode, false, false) }},
			{"by=engine/exchange=false/durable=true", func() (int64, int64) { return engine(b, paths, decode, false, true) }},
			{"by=engine/exchange=true/durable=true", func() (int64, int64) { return engine(b, paths, decode, true, true) }},
		} {
			b.Run("decode="+name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				var cpu time.Duration
				for b.Loop() {
					before := cpuTime(b)
					_, events := way.run()
					cpu += cpuTime(b) - before
					if events != logEvents {
						b.Fatalf("%d events in sessions, want %d", events, logEvents)
					}
				}
				n := float64(b.N) * logEvents
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/event")
				b.ReportMetric(float64(cpu.Nanoseconds())/n, "cpu-ns/event")
			})
		}
	}
}
