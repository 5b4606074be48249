package stream_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// gate is a sink whose writes wait until they are let through, and fail as long as fail says so.
type gate struct {
	batches[int]
	writing chan struct{} // receives at the beginning of each write
	through chan error
}

func newGate(rows int) *gate {
	return &gate{batches: batches[int]{traits: sink.Traits{BatchRows: rows}}, writing: make(chan struct{}), through: make(chan error)}
}

func (g *gate) Open(context.Context, sink.Env) (sink.Writer[int], error) { return g, nil }

func (g *gate) Write(ctx context.Context, rows []sink.Row[int]) error {
	g.writing <- struct{}{}
	if err := <-g.through; err != nil {
		return err
	}
	return g.batches.Write(ctx, rows)
}

// let lets all writes through from now on.
func (g *gate) let(t *testing.T) {
	var wait sync.WaitGroup
	ended := make(chan struct{})
	wait.Go(func() {
		for {
			select {
			case <-g.writing:
				g.through <- nil
			case <-ended:
				return
			}
		}
	})
	t.Cleanup(func() { close(ended); wait.Wait() })
}

// taskOf is the first task of an operator.
func taskOf(j *stream.Job, operator string) stream.TaskStatus {
	for _, t := range j.Status().Tasks {
		if t.Operator == operator && t.Subtask == 0 {
			return t
		}
	}
	return stream.TaskStatus{}
}

// sinkOf is a job's only sink.
func sinkOf(j *stream.Job) (s stream.SinkStatus) {
	for _, s = range j.Status().Sinks {
	}
	return s
}

// A task's time is idle without input, blocked while its sink or its receiver holds it, and nothing is left out.
func TestShares(t *testing.T) {
	for _, exchanged := range []bool{false, true} {
		name := map[bool]string{false: "fused", true: "exchanged"}[exchanged]
		t.Run(name, func(t *testing.T) {
			clock := streamtest.NewClock(streamtest.Start)
			log := memory.NewLive[int](1)
			j := newJob(clock.Option(), stream.CheckpointEvery(time.Hour), stream.BatchSize(1))
			in := stream.From[int](j, "numbers", log, watermark.Monotonous(atMilli))
			g := newGate(1)
			if exchanged {
				in = stream.Rebalance(in, 1, stream.Name("receiver"))
			}
			stream.To(in, "gate", g)
			stop, ended := running(t, j)
			head := map[bool]string{false: "numbers", true: "receiver"}[exchanged]

			eventually(t, "the task is idle", func() bool { clock.Advance(time.Second); return taskOf(j, head).Idle >= 10*time.Second })
			require.NoError(t, log.Append(0, upTo(100)...))
			<-g.writing
			eventually(t, "the task is blocked", func() bool { clock.Advance(time.Second); return taskOf(j, head).Blocked >= 10*time.Second })
			if exchanged {
				eventually(t, "the sender is blocked", func() bool { clock.Advance(time.Second); return taskOf(j, "numbers").Blocked >= 10*time.Second })
			}
			g.through <- nil
			g.let(t)
			eventually(t, "all is written", func() bool { return sinkOf(j).Rows == 100 })
			stop()
			require.NoError(t, <-ended)
			age := clock.Now().Sub(streamtest.Start)
			for _, s := range j.Status().Tasks {
				require.LessOrEqual(t, s.Busy+s.Idle+s.Blocked+s.Paused, age)
				require.Greater(t, s.Busy+s.Idle+s.Blocked+s.Paused, age-10*time.Second, "%+v: of all that time", s)
				require.Zero(t, s.Paused)
			}
			clock.Advance(time.Hour)
			require.Less(t, taskOf(j, head).Idle, time.Hour, "an ended task has no time")
		})
	}
}

// A split that waits for slower ones is paused.
func TestSharesOfAPausedTask(t *testing.T) {
	clock := streamtest.NewClock(streamtest.Start)
	j := newJob(clock.Option())
	src := &metered{memory.Splits([][]int{upTo(5000), upTo(5000)}).WithChunkSize(100), map[string]chan struct{}{
		"memory/0": make(chan struct{}), "memory/1": make(chan struct{}),
	}}
	close(src.allowed["memory/0"])
	in := stream.From[int](j, "numbers", src, watermark.Monotonous(atMilli).WithMaxDrift(300*ms))
	to(stream.Reduce(stream.Window(stream.All(in), window.Tumbling(time.Second)), "sums", sum))
	_, ended := running(t, j)
	eventually(t, "the fast split has been paused", func() bool { clock.Advance(time.Second); return taskOf(j, "numbers").Paused >= 10*time.Second })
	close(src.allowed["memory/1"])
	require.NoError(t, <-ended)
}

// What a sink's writer did is counted write by write, failures apart.
func TestSinkStatus(t *testing.T) {
	clock := streamtest.NewClock(streamtest.Start)
	g := newGate(40)
	j := newJob(clock.Option(), stream.CheckpointEvery(time.Hour))
	stream.To(stream.From[int](j, "numbers", memory.Of(upTo(100)...), watermark.Monotonous(atMilli)), "gate", g)
	_, ended := running(t, j)
	<-g.writing
	clock.Advance(30 * ms)
	g.through <- nil
	<-g.writing
	clock.Advance(7 * ms)
	g.through <- sink.Temporary(errBroken)
	eventually(t, "the failure shows", func() bool { return sinkOf(j).Failures == 1 })
	for again := false; !again; {
		select {
		case <-g.writing:
			again = true
		default:
			clock.Advance(10 * ms) // until the next attempt
		}
	}
	clock.Advance(20 * time.Second)
	g.through <- nil
	g.let(t)
	require.NoError(t, <-ended)
	s := sinkOf(j)
	require.Equal(t, "gate", s.Operator)
	require.EqualValues(t, 100, s.Rows)
	require.EqualValues(t, 3, s.Writes)
	require.EqualValues(t, 1, s.Failures)
	require.GreaterOrEqual(t, s.WriteTime, 20*time.Second+30*ms)
	require.Less(t, s.WriteTime, 25*time.Second)
	require.Zero(t, s.LastWrite)
	require.EqualValues(t, 1, s.Latency[0], "a write that took no time")
	require.EqualValues(t, 1, s.Latency[5], "one of 30 ms")
	require.Equal(t, 50*ms, stream.WriteBounds[5])
	require.EqualValues(t, 1, s.Latency[len(stream.WriteBounds)], "one of 20 s")
}

// A split says where it began, how far it is and how far its log goes.
func TestSplitStatus(t *testing.T) {
	log := memory.NewLive[int](1).WithChunkSize(100)
	require.NoError(t, log.Append(0, upTo(1000)...))
	dir := t.TempDir()
	run := func(until int64) stream.SplitStatus {
		j := newJob(durable(dir)...)
		to(stream.From[int](j, "numbers", log, watermark.Monotonous(atMilli)))
		stop, ended := running(t, j)
		eventually(t, "all is read", func() bool { s := j.Status().Splits; return len(s) == 1 && s[0].Position == until })
		stop()
		require.NoError(t, <-ended)
		return j.Status().Splits[0]
	}
	s := run(1000)
	require.Equal(t, [4]int64{0, 1000, 1000, 0}, [4]int64{s.StartPosition, s.Position, s.LogEnd, s.Bytes})
	require.NoError(t, log.Append(0, upTo(500)...))
	s = run(1500)
	require.Equal(t, [3]int64{1000, 1500, 1500}, [3]int64{s.StartPosition, s.Position, s.LogEnd})
}

// While a sink is busy its next batch grows, as far as the job allows.
func TestSinkBatches(t *testing.T) {
	for _, times := range []int{1, 4} {
		g := newGate(10)
		clock := streamtest.NewClock(streamtest.Start)
		j := newJob(clock.Option(), stream.SinkBatches(times))
		stream.To(stream.From[int](j, "numbers", memory.Of(upTo(200)...), watermark.Monotonous(atMilli)), "gate", g)
		_, ended := running(t, j)
		for range 3 {
			<-g.writing
			before := taskOf(j, "numbers").Blocked
			eventually(t, "no more rows can collect", func() bool { clock.Advance(ms); return taskOf(j, "numbers").Blocked > before+20*ms })
			g.through <- nil
		}
		g.let(t)
		require.NoError(t, <-ended)
		var sizes []int
		for _, b := range g.all {
			sizes = append(sizes, len(b))
		}
		require.Equal(t, 10, sizes[0])
		require.Equal(t, []int{10 * times, 10 * times}, sizes[1:3])
		require.LessOrEqual(t, slices.Max(sizes), 10*times)
		for i, r := range g.rows() {
			require.Equal(t, i, r.Value)
		}
		require.Len(t, g.rows(), 200)
	}
	require.ErrorContains(t, newJob(stream.SinkBatches(0)).Run(t.Context()), "SinkBatches: 0")
}
