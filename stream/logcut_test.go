package stream_test

import (
	"context"
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

// cutLog is a log whose oldest records were deleted, begun at start.
type cutLog struct {
	*memory.Source[event]
	start, earliest int64
}

func (s cutLog) Open(ctx context.Context, env source.Env) (source.Session[event], error) {
	inner, err := s.Source.Open(ctx, env)
	return cutSession{inner, s}, err
}

type cutSession struct {
	source.Session[event]
	log cutLog
}

func (s cutSession) Splits(ctx context.Context) ([]source.Split, error) {
	splits, err := s.Session.Splits(ctx)
	for i := range splits {
		splits[i].Start, splits[i].Earliest = s.log.start, s.log.earliest
	}
	return splits, err
}

// cutJob counts clicks by sessions with a gap of 15 s; its windows stay open at the end.
func cutJob(dir string, n int, start, earliest int64, opts ...stream.JobOption) (*stream.Job, *sinkmemory.List[string]) {
	var log []event
	for i := range n {
		log = append(log, event{User: "ann", At: int64(i) * 10_000})
	}
	j := newJob(append(append(durable(dir), stream.NoDrain()), opts...)...)
	clicks := stream.From(j, "clicks", cutLog{memory.Of(log...).WithCodec(eventCodec), start, earliest}, watermark.BoundedOutOfOrderness(5*time.Second, eventTime))
	rows := &sinkmemory.List[string]{}
	stream.To(stream.Process(stream.Window(stream.KeyBy(clicks, userOf), window.EventTimeSession(15*time.Second)), "sessions", marked{}), "rows", rows)
	return j, rows
}

// A restored job whose next record was deleted says so before it reads anything.
func TestLogCutBelowThePosition(t *testing.T) {
	dir := t.TempDir()
	j, _ := cutJob(dir, 10, 0, 0)
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, int64(10), j.Status().Splits[0].Position)

	j, _ = cutJob(dir, 20, 0, 10) // all that is cut was read
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, int64(20), j.Status().Splits[0].Position)

	j, rows := cutJob(dir, 40, 0, 25, stream.Restart(stream.FixedDelay(100, time.Millisecond)))
	err := j.Run(t.Context())
	require.ErrorIs(t, err, stream.ErrLogCut)
	require.ErrorContains(t, err, "split memory/0 goes on at 20, the log begins at 25 now: 5 positions are gone")
	require.Empty(t, rows.Rows())
	require.Zero(t, j.Count("restarts"), "no restart mends it")

	j, rows = cutJob(dir, 40, 0, 25, stream.AllowLogCut())
	require.NoError(t, j.Run(t.Context()))
	require.EqualValues(t, 5, j.Count("positions_cut"))
	require.EqualValues(t, 15, j.Status().Splits[0].Records)
	require.Equal(t, []string{"ann 0+20 partial=true"}, rows.Rows(), "the session before the cut may have gone on in it")
	s := j.Status().Splits[0]
	require.Equal(t, []int64{0, 0}, []int64{s.Earliest, s.From}, "what the job's first run began with")
}

func TestLogCutBelowTheStart(t *testing.T) {
	j, _ := cutJob("", 40, 20, 25)
	require.ErrorIs(t, j.Run(t.Context()), stream.ErrLogCut)
	dir := t.TempDir()
	j, _ = cutJob(dir, 40, 20, 25, stream.AllowLogCut())
	require.NoError(t, j.Run(t.Context()))
	require.EqualValues(t, 15, j.Status().Splits[0].Records)
	for range 2 { // also when restored
		s := j.Status().Splits[0]
		require.Equal(t, []int64{25, 25}, []int64{s.Earliest, s.From})
		j, _ = cutJob(dir, 41, 0, 30)
		require.NoError(t, j.Run(t.Context()))
	}
}

// A drained job finds more input, even if that is gone already.
func TestLogCutBehindTheEnd(t *testing.T) {
	dir := t.TempDir()
	run := func(events int, earliest int64) error {
		j := newJob(durable(dir)...)
		log := cutLog{memory.Of(make([]event, events)...).WithCodec(eventCodec), 0, earliest}
		clicks := stream.From[event](j, "clicks", log, watermark.Monotonous(eventTime))
		stream.To(stream.Process(stream.Window(stream.KeyBy(clicks, userOf), window.EventTimeSession(time.Second)), "sessions", marked{}), "rows", &sinkmemory.List[string]{})
		return j.Run(t.Context())
	}
	require.NoError(t, run(1, 0))
	require.NoError(t, run(1, 1))
	err := run(5, 5)
	require.ErrorIs(t, err, stream.ErrFinished)
	require.ErrorContains(t, err, "drained up to 1; what came later is deleted up to 5")
}
