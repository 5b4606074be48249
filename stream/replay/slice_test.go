package replay_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/replay"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// twoSplits is a log with 1,000 clicks in its first split and 100 in its second, one a second, of two users.
func twoSplits(t *testing.T) bounded {
	log := newTopic(2)
	for i := range int64(1000) {
		log.add(t, 0, click{"a", i})
	}
	for i := range int64(100) {
		log.add(t, 1, click{"b", i})
	}
	return bounded{log.Live, log.now}
}

func TestSliceIsTheMiddle(t *testing.T) {
	s := replay.Slice[click](twoSplits(t), 0.1)
	require.Contains(t, s.String(), "10 % of memory live")
	session, err := s.Open(t.Context(), source.Env{})
	require.NoError(t, err)
	defer session.Close()
	splits, err := session.Splits(t.Context())
	require.NoError(t, err)
	require.Equal(t, [2]int64{450, 550}, [2]int64{splits[0].Start, splits[0].Stop})
	require.Equal(t, [2]int64{45, 55}, [2]int64{splits[1].Start, splits[1].Stop})
	slice, whole := s.Positions()
	require.Equal(t, [2]int64{110, 1100}, [2]int64{slice, whole})
	_, commits := session.(source.Committer)
	require.False(t, commits, "a dry run leaves no trace in consumer groups")
}

func TestSliceBounds(t *testing.T) {
	for _, fraction := range []float64{0, -0.1, 1.1} {
		_, err := replay.Slice[click](twoSplits(t), fraction).Open(t.Context(), source.Env{})
		require.ErrorContains(t, err, "use more than 0 and at most 1")
	}
	unbounded, err := replay.Slice[click](newTopic(1).Live, 0.5).Open(t.Context(), source.Env{})
	require.NoError(t, err)
	_, err = unbounded.Splits(t.Context())
	require.ErrorContains(t, err, "bound the source")

	all, err := replay.Slice[click](twoSplits(t), 1).Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := all.Splits(t.Context())
	require.NoError(t, err)
	require.Equal(t, [2]int64{0, 1000}, [2]int64{splits[0].Start, splits[0].Stop})
}

func TestMeasure(t *testing.T) {
	s := replay.Slice[click](twoSplits(t), 0.1)
	job := stream.NewJob("dry", stream.NoDrain(), stream.StatusEvery(0))
	clicks := stream.From(job, "clicks", s, watermark.BoundedOutOfOrderness(time.Second, func(c click) time.Time { return time.Unix(c.at, 0) }))
	byUser := stream.KeyBy(stream.WithCodec(clicks, clickCodec), func(c click) string { return c.user })
	counts := stream.Process(stream.Window(byUser, window.Tumbling(10*time.Second)), "counts", sessions{})
	stream.To(counts, "out", replay.Discard[session](true))
	e, err := replay.Measure(t.Context(), job, s.Positions)
	require.NoError(t, err)
	require.EqualValues(t, 110, e.Records)
	require.EqualValues(t, 1100, e.LogRecords)
	require.Positive(t, e.Rows)
	require.Equal(t, 10*e.Rows, e.LogRows)
	require.Equal(t, 2, e.Keys, "windows that are open at the end of the slice")
	require.True(t, e.Short)
	require.Zero(t, e.LateShare())
}

func TestEstimate(t *testing.T) {
	e := replay.Estimate{Records: 1000, LogRecords: 50_000, Late: 20, Rate: 500, Whole: 100 * time.Second}
	require.InDelta(t, 0.02, e.LateShare(), 1e-9)
	require.Equal(t, 100*time.Second, e.WholeAt(0))
	require.Equal(t, 100*time.Second, e.WholeAt(1000), "a limit above the rate does not slow")
	require.Equal(t, 500*time.Second, e.WholeAt(100))
	require.Zero(t, replay.Estimate{}.LateShare())
}

func TestMeasureStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := replay.Slice[click](twoSplits(t), 0.1)
	job := stream.NewJob("dry", stream.NoDrain(), stream.StatusEvery(0))
	clicks := stream.From(job, "clicks", s, watermark.None(func(c click) time.Time { return time.Unix(c.at, 0) }))
	stream.To(clicks, "out", replay.Discard[click](false))
	_, err := replay.Measure(ctx, job, s.Positions)
	require.ErrorIs(t, err, context.Canceled)
}
