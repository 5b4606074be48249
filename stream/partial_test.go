package stream_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// fromMiddle is a log begun in its middle.
type fromMiddle struct {
	*memory.Source[event]
	start int64
}

func (s fromMiddle) Open(ctx context.Context, env source.Env) (source.Session[event], error) {
	inner, err := s.Source.Open(ctx, env)
	return fromMiddleSession{inner, s.start}, err
}

type fromMiddleSession struct {
	source.Session[event]
	start int64
}

func (s fromMiddleSession) Splits(ctx context.Context) ([]source.Split, error) {
	splits, err := s.Session.Splits(ctx)
	for i := range splits {
		splits[i].Start = s.start
	}
	return splits, err
}

type marked struct{}

func (marked) Process(_ *stream.Context, p stream.Pane[string, event], out *stream.Collector[string]) error {
	out.Emit(fmt.Sprintf("%s %d+%d partial=%v", p.Key, p.Window.Start/1000, len(p.Elements), p.Partial))
	return nil
}

// A job that begins in mid-log marks the windows that may lack records from before.
func TestBeginningInMidLogMarksPartialWindows(t *testing.T) {
	var log []event
	for i := range 100 { // a record each 10 s: sessions of a gap of 15 s for one user, and of 4 users in turn, each alone
		log = append(log, event{User: "often", At: int64(i) * 10_000})
		log = append(log, event{User: fmt.Sprint("seldom-", i%4), At: int64(i)*10_000 + 1})
	}
	for _, local := range []bool{true, false} {
		job := stream.NewJob("partial", stream.Logger(quiet()))
		clicks := stream.From(job, "clicks", fromMiddle{memory.Of(log...).WithCodec(eventCodec), 100}, watermark.BoundedOutOfOrderness(5*time.Second, eventTime))
		keyed := stream.KeyBy(clicks, userOf)
		if local {
			keyed = stream.KeyByPartition(clicks, userOf)
		}
		rows := &sinkmemory.List[string]{}
		stream.To(stream.Process(stream.Window(keyed, window.EventTimeSession(15*time.Second)), "sessions", marked{}), "rows", rows)
		require.NoError(t, job.Run(context.Background()))
		got := rows.Rows()
		require.Len(t, got, 51)
		// What is missing has timestamps up to 505 s; a session that begins within a gap of that may have begun before.
		require.Contains(t, got, "often 500+50 partial=true")
		require.Contains(t, got, "seldom-2 500+1 partial=true")
		require.Contains(t, got, "seldom-3 510+1 partial=true")
		require.Contains(t, got, "seldom-0 520+1 partial=false") // at 520.001 s
		require.Contains(t, got, "seldom-1 530+1 partial=false")
	}
}
