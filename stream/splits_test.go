package stream_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// A split that is silent stops holding back the others, though it is polled all the while; when it returns it holds them back at once.
func TestIdleness(t *testing.T) {
	j := newJob()
	live := memory.NewLive[int](2)
	in := stream.From[int](j, "numbers", live, watermark.Monotonous(atMilli).WithIdleness(1500*ms)) // long enough for a busy machine to get through the test before the split is silent again
	windows := stream.Window(stream.All(in), window.Tumbling(10*ms))
	list := to(stream.Reduce(windows, "sums", sum))
	late := to2(stream.Late(windows), "late")
	_, ended := running(t, j)
	require.NoError(t, live.Append(0, 1, 2, 11))
	eventually(t, "the silent split is idle", func() bool { return idle(j, 1) })
	eventually(t, "time goes on without it", func() bool { return len(list.Rows()) == 1 })
	require.NoError(t, live.Append(1, 3, 12)) // 3 was on time in its own split, and is late by idling
	eventually(t, "it is back", func() bool { return !idle(j, 1) })
	require.NoError(t, live.Append(0, 21, 31, 32))
	eventually(t, "all is read", func() bool { return j.Status().Splits[0].Records == 6 })
	require.Equal(t, "memory/1", j.Status().HeldBy)
	require.Len(t, list.Rows(), 1, "the returned split holds the window of 11 and 12")
	live.Close()
	require.NoError(t, <-ended)
	require.Equal(t, []int{3, 23, 21, 63}, list.Rows())
	require.Equal(t, []int{3}, late.Rows())
	require.EqualValues(t, 1, j.Count("late_by_idling"))
}

// By a fake clock: idleness is processing time, a bounded split is never idle, and an empty one that may not be idle holds time for ever.
func TestIdlenessByTheClock(t *testing.T) {
	clock := streamtest.NewClock(streamtest.Start)
	j := newJob(clock.Option())
	live := memory.NewLive[int](2)
	in := stream.From[int](j, "numbers", live, watermark.Monotonous(atMilli).WithIdleness(time.Hour))
	list := to(stream.Reduce(stream.Window(stream.All(in), window.Tumbling(10*ms)), "sums", sum))
	_, ended := running(t, j)
	require.NoError(t, live.Append(0, 1, 11))
	eventually(t, "all is read", func() bool { return j.Count("records_in") >= 2 })
	clock.Advance(59 * time.Minute)
	time.Sleep(20 * ms)
	require.False(t, j.Status().Splits[1].Idle)
	require.Equal(t, "memory/1", j.Status().HeldBy)
	require.Equal(t, watermark.Min, j.Status().Watermark)
	eventually(t, "the empty split goes idle", func() bool { clock.Advance(30 * time.Second); return idle(j, 1) })
	eventually(t, "the window fires", func() bool { return len(list.Rows()) == 1 })
	live.Close()
	require.NoError(t, <-ended)
	require.Equal(t, []int{1, 11}, list.Rows())
}

func idle(j *stream.Job, split int) bool {
	s := j.Status().Splits
	return len(s) > split && s[split].Idle
}

// metered is a source whose splits have no more than the test allows.
type metered struct {
	*memory.Source[int]
	allowed map[string]chan struct{} // closed when the split may be read
}

func (s *metered) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	inner, err := s.Source.Open(ctx, env)
	return meteredSession{inner, s}, err
}

type meteredSession struct {
	source.Session[int]
	of *metered
}

func (s meteredSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[int], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	return meteredReader{inner, s.of.allowed[split.ID]}, err
}

type meteredReader struct {
	source.Reader[int]
	allowed chan struct{}
}

func (r meteredReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	select {
	case <-r.allowed:
		return r.Reader.Fetch(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A fast split waits for a slow one, on a clock that stands still too, and checkpoints go through meanwhile; an empty split does not hold anybody up.
func TestAlignment(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []stream.JobOption
	}{
		{"real clock", []stream.JobOption{stream.CheckpointEvery(ms)}},
		{"still clock", []stream.JobOption{streamtest.NewClock(streamtest.Start).Option()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJob(c.opts...)
			src := &metered{memory.Splits([][]int{upTo(5000), upTo(5000), nil}).WithChunkSize(100), map[string]chan struct{}{
				"memory/0": make(chan struct{}), "memory/1": make(chan struct{}), "memory/2": make(chan struct{}),
			}}
			close(src.allowed["memory/0"])
			close(src.allowed["memory/2"])
			in := stream.From[int](j, "numbers", src, watermark.Monotonous(atMilli).WithMaxDrift(300*ms))
			list := to(stream.Reduce(stream.Window(stream.All(in), window.Tumbling(time.Second)), "sums", sum))
			_, ended := running(t, j)
			eventually(t, "the fast split pauses", func() bool { s := j.Status().Splits; return len(s) == 3 && s[0].Paused })
			if c.name == "real clock" {
				before := j.Count("checkpoints")
				eventually(t, "checkpoints go on", func() bool { return j.Count("checkpoints") > before+3 })
			}
			require.Less(t, j.Status().Splits[0].Position, int64(600))
			close(src.allowed["memory/1"])
			require.NoError(t, <-ended)
			require.Equal(t, []int{2 * 499500, 2 * 1499500, 2 * 2499500, 2 * 3499500, 2 * 4499500}, list.Rows())
		})
	}
}

// growing is a log whose splits appear one by one.
type growing struct {
	*memory.Live[int]
	splits atomic.Int64
}

func (g *growing) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	inner, err := g.Live.Open(ctx, env)
	return growingSession{inner, g}, err
}

type growingSession struct {
	source.Session[int]
	of *growing
}

func (s growingSession) DiscoveryInterval() int64 { return int64(2 * time.Millisecond) }

func (s growingSession) Splits(ctx context.Context) ([]source.Split, error) {
	all, err := s.Session.Splits(ctx)
	return all[:s.of.splits.Load()], err
}

// slowly is a function whose tasks but the first take their time to open.
type slowly struct{}

func (slowly) Open(ctx *stream.OpenContext) error {
	if ctx.Subtask() > 0 {
		time.Sleep(50 * ms)
	}
	return nil
}

func (slowly) Process(_ *stream.Context, n int, out *stream.Collector[int]) error {
	out.Emit(n)
	return nil
}

// Splits that appear while the job runs are read, and checkpoints stay consistent: what a stopped job has read of them is neither lost nor counted twice.
func TestDiscovery(t *testing.T) {
	dir := t.TempDir()
	g := &growing{Live: memory.NewLive[int](3)}
	g.splits.Store(1)
	build := func() (*stream.Job, func() []int) {
		j := newJob(append(durable(dir), stream.CheckpointEvery(3*ms))...)
		in := stream.From[int](j, "numbers", g, watermark.Monotonous(atMilli))
		slow := stream.Process(in, "slowly", stream.PerTask(func() slowly { return slowly{} }))
		total := stream.Reduce(stream.Window(stream.All(slow), window.Global(), stream.Trigger(window.AtEnd())), "total", sum)
		return j, to(total).Rows
	}
	sent := 0
	send := func(split, n int) {
		require.NoError(t, g.Append(split, n))
		sent += n
	}
	for n := range 3 {
		j, _ := build()
		stop, ended := running(t, j)
		send(0, 1)
		eventually(t, "it runs", func() bool { return j.Count("checkpoints") > 0 })
		g.splits.Store(int64(n + 1))
		eventually(t, "the split is found", func() bool { return len(j.Status().Splits) == n+1 })
		for i := 0; ; i++ { // also while the job stops
			if i == 150 {
				stop()
			}
			send(n, i)
			if ran(ended) {
				break
			}
			time.Sleep(time.Millisecond / 2)
		}
	}
	g.Close()
	j, rows := build()
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, []int{sent}, rows())
}

// A job that stops while a split it found waits for a checkpoint to end, stops.
func TestStopWhileASplitJoins(t *testing.T) {
	g := &growing{Live: memory.NewLive[int](2)}
	g.splits.Store(1)
	j := newJob(stream.CheckpointEvery(3*ms), stream.StopTimeout(5*time.Second))
	gate, held := make(chan struct{}), make(chan struct{})
	in := stream.Map(stream.From[int](j, "numbers", g, watermark.Monotonous(atMilli)), func(n int) int {
		close(held)
		<-gate
		return n
	})
	sums(j, in)
	stop, ended := running(t, j)
	eventually(t, "it runs", func() bool { return j.Count("checkpoints") > 0 })
	require.NoError(t, g.Append(0, 1))
	<-held
	time.Sleep(20 * ms) // a checkpoint begins, and waits for the task
	g.splits.Store(2)
	eventually(t, "the split is found", func() bool { return len(j.Status().Splits) == 2 })
	stop()
	time.Sleep(20 * ms)
	close(gate)
	require.NoError(t, <-ended)
}

func ran(ended <-chan error) bool {
	select {
	case err := <-ended:
		if err != nil {
			panic(err)
		}
		return true
	default:
		return false
	}
}

func TestStatus(t *testing.T) {
	j := newJob()
	require.Equal(t, stream.Status{Watermark: watermark.Min}, j.Status())
	live := memory.NewLive[int](2)
	sums(j, stream.From[int](j, "numbers", live, watermark.BoundedOutOfOrderness(5*ms, atMilli)))
	_, ended := running(t, j)
	require.NoError(t, live.Append(0, 10, 20))
	require.NoError(t, live.Append(1, 15))
	eventually(t, "all is read", func() bool {
		s := j.Status()
		return len(s.Splits) == 2 && s.Splits[0].Records == 2 && s.Splits[1].Records == 1
	})
	s := j.Status()
	require.Equal(t, int64(9), s.Watermark)
	require.Equal(t, "memory/1", s.HeldBy)
	require.Equal(t, "numbers", s.Splits[0].Operator)
	require.Equal(t, int64(2), s.Splits[0].Position)
	require.Equal(t, int64(14), s.Splits[0].Watermark)
	require.Equal(t, source.Unbounded, s.Splits[0].Stop)
	live.Close()
	require.NoError(t, <-ended)
	s = j.Status()
	require.Equal(t, int64(math.MaxInt64), s.Watermark)
	require.Empty(t, s.HeldBy)
	require.Equal(t, "end of input", stream.FormatTime(s.Watermark))
	require.Equal(t, "not begun", stream.FormatTime(watermark.Min))
	require.Equal(t, "1970-01-01T00:00:01.500Z", stream.FormatTime(1500))
}
