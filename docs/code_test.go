// Package docs_test is the code in README.md and the pages beside this file: it is compiled and run here, and internal/lint checks that the pages show it as it is.
package docs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/source/sourcetest"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

type Session struct {
	UserID             string
	Start, End, Events int64
}

var columns = table.Of(
	table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
	table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
	table.Int("session_end", func(s Session) int64 { return s.End }),
	table.Int("events", func(s Session) int64 { return s.Events }),
)

func eventTime(e *pb.ClickEvent) time.Time { return time.UnixMilli(e.GetEventTimestamp()) }

// SessionAnalytics turns the clicks of a session into its row.
type SessionAnalytics struct{}

func (SessionAnalytics) Process(_ *stream.Context, p stream.Pane[string, *pb.ClickEvent], out *stream.Collector[Session]) error {
	s := Session{UserID: p.Key, Start: p.Elements[0].GetEventTimestamp(), Events: int64(len(p.Elements))}
	for _, e := range p.Elements {
		s.Start, s.End = min(s.Start, e.GetEventTimestamp()), max(s.End, e.GetEventTimestamp())
	}
	out.Emit(s)
	return nil
}

func sessionJob(brokers []string, dsn, dir string) *stream.Job {
	job := stream.NewJob("session-analytics", stream.StateDir(dir), stream.CheckpointEvery(10*time.Second))
	source := kafka.Source(brokers, "raw-clickstream-events", codec.Proto[*pb.ClickEvent]())

	clicks := stream.From(job, "clicks", source, watermark.BoundedOutOfOrderness(time.Minute, eventTime))
	byUser := stream.KeyBy(clicks, (*pb.ClickEvent).GetUserId)
	sessions := stream.Window(byUser, window.EventTimeSession(30*time.Minute))
	analytics := stream.Process(sessions, "session-analytics", SessionAnalytics{})
	stream.To(analytics, "sessions", postgres.Upsert(dsn, "sessions_v1", columns))
	return job // job.Run(ctx) runs it
}

func TestReadmeJob(t *testing.T) {
	plan, err := sessionJob([]string{"127.0.0.1:9092"}, "postgres://user@127.0.0.1/shop", t.TempDir()).Plan()
	require.NoError(t, err)
	require.Contains(t, plan, `process "session-analytics": session gap 30m0s`)
	require.Contains(t, plan, "<- hash from \"clicks\"")
}

// Example is the function of the README on two clicks.
func Example() {
	job := stream.NewJob("sessions")
	clicks := memory.Of(&pb.ClickEvent{UserId: "ada", EventTimestamp: 1000}, &pb.ClickEvent{UserId: "ada", EventTimestamp: 5000}).WithCodec(codec.Proto[*pb.ClickEvent]())
	byUser := stream.KeyBy(stream.From(job, "clicks", clicks, watermark.BoundedOutOfOrderness(time.Minute, eventTime)), (*pb.ClickEvent).GetUserId)
	rows := &sinkmemory.List[Session]{}
	stream.To(stream.Process(stream.Window(byUser, window.EventTimeSession(30*time.Minute)), "session-analytics", SessionAnalytics{}), "sessions", rows)
	if err := job.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", rows.Rows())
	// Output: [{UserID:ada Start:1000 End:5000 Events:2}]
}

func TestConformance(t *testing.T) {
	lines := memory.Splits([][]string{{"a", "b", "c"}, {"d"}})
	sourcetest.Run(t, sourcetest.Config[string]{
		Source: lines,
		Want:   [][]string{{"a", "b", "c"}, {"d"}},
	})
}

func TestSinkConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Config[sinktest.Record]{
		New: func(t *testing.T) sinktest.Target[sinktest.Record] {
			list := &sinkmemory.List[sinktest.Record]{}
			return sinktest.Target[sinktest.Record]{
				Sink: func() sink.Sink[sinktest.Record] { return list },
				Rows: func(*testing.T) []sinktest.Record { return list.Rows() },
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Parallel: true, Atomic: true},
	})
}
