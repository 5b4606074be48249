package stream_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// durable keeps the state of jobs under test in a directory.
func durable(dir string) []stream.JobOption {
	return []stream.JobOption{stream.StateDir(dir), stream.Backend(memorystate.Backend())}
}

func sum(a, b int) int { return a + b }

// sums adds up numbers in windows of 10 ms, all in one.
func sums(j *stream.Job, in stream.DataStream[int]) *sinkmemory.List[int] {
	return to(stream.Reduce(stream.Window(stream.All(in), window.Tumbling(10*ms)), "sums", sum))
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func TestFinishedJob(t *testing.T) {
	dir := t.TempDir()
	run := func(splits ...[]int) (*sinkmemory.List[int], error) {
		j := newJob(durable(dir)...)
		list := sums(j, stream.From(j, "numbers", memory.Splits(splits), watermark.Monotonous(atMilli)))
		return list, j.Run(t.Context())
	}
	list, err := run(upTo(15), nil)
	require.NoError(t, err)
	require.Equal(t, []int{45, 60}, list.Rows())
	list, err = run(upTo(15), nil)
	require.NoError(t, err, "no new input")
	require.Empty(t, list.Rows())
	_, err = run(upTo(16), nil)
	require.ErrorIs(t, err, stream.ErrFinished)
	require.ErrorContains(t, err, "memory/0 was drained up to 15 and now has a record at 15")
	_, err = run(upTo(15), []int{1})
	require.ErrorIs(t, err, stream.ErrFinished)
}

func TestNoDrainGoesOn(t *testing.T) {
	for _, backend := range []string{"exchanged", "in place"} {
		t.Run(backend, func(t *testing.T) {
			dir := t.TempDir()
			var got []int
			for _, n := range []int{5, 5, 15, 15, 32} {
				j := newJob(append(durable(dir), stream.NoDrain())...)
				in := stream.From(j, "numbers", memory.Of(upTo(n)...), watermark.Monotonous(atMilli))
				keyed := stream.KeyBy(in, func(int) int { return 0 })
				if backend == "in place" {
					keyed = stream.KeyByPartition(in, func(int) int { return 0 }, anyPartition)
				}
				list := to(stream.Reduce(stream.Window(keyed, window.Tumbling(10*ms)), "sums", sum))
				require.NoError(t, j.Run(t.Context()))
				got = append(got, list.Rows()...)
				require.Equal(t, int64(n), j.Status().Splits[0].Position)
			}
			require.Equal(t, []int{45, 145, 245}, got)
		})
	}
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 20*time.Second, time.Millisecond, what)
}

func running(t testing.TB, j *stream.Job) (stop context.CancelFunc, ended <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan error, 1)
	done := make(chan struct{})
	go func() { defer close(done); c <- j.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return cancel, c
}

func TestDrain(t *testing.T) {
	dir := t.TempDir()
	live := memory.NewLive[int](2)
	build := func() (*stream.Job, *sinkmemory.List[int]) {
		j := newJob(durable(dir)...)
		return j, sums(j, stream.From[int](j, "numbers", live, watermark.Monotonous(atMilli)))
	}
	j, list := build()
	_, ended := running(t, j)
	require.NoError(t, live.Append(0, 1, 2, 3))
	eventually(t, "all is read", func() bool { return j.Count("records_in") >= 3 })
	j.Drain()
	require.NoError(t, <-ended)
	require.Equal(t, []int{6}, list.Rows())
	j, list = build()
	require.NoError(t, j.Run(t.Context()), "drained is finished")
	require.Empty(t, list.Rows())
	require.NoError(t, live.Append(1, 4))
	j, _ = build()
	require.ErrorIs(t, j.Run(t.Context()), stream.ErrFinished)
}

// A split whose end was reached without draining is drained when the job is asked to.
func TestDrainAfterOneSplitEnded(t *testing.T) {
	j := newJob(stream.NoDrain())
	live := memory.NewLive[int](1).WithName("live")
	a := stream.From(j, "bounded", numbers(5), watermark.Monotonous(atMilli))
	b := stream.From[int](j, "live", live, watermark.Monotonous(atMilli))
	list := sums(j, stream.Union(a, b))
	_, ended := running(t, j)
	require.NoError(t, live.Append(0, 7))
	eventually(t, "the bounded split ends", func() bool {
		s := j.Status().Splits
		return len(s) == 2 && s[0].Finished && s[1].Records == 1
	})
	j.Drain()
	require.NoError(t, <-ended)
	require.Equal(t, []int{17}, list.Rows())
}

func TestStopIsNoError(t *testing.T) {
	j := newJob()
	sums(j, stream.From[int](j, "numbers", memory.NewLive[int](3), watermark.Monotonous(atMilli)))
	stop, ended := running(t, j)
	eventually(t, "it runs", func() bool { return len(j.Status().Splits) == 3 })
	require.ErrorIs(t, j.Run(t.Context()), stream.ErrRunning)
	stop()
	require.NoError(t, <-ended)
}

// stuck is a sink that does not come back until it is given up.
type stuck struct{ sinkmemory.List[int] }

func (s *stuck) Open(context.Context, sink.Env) (sink.Writer[int], error) { return s, nil }
func (s *stuck) Close() error                                             { return nil }
func (s *stuck) Write(ctx context.Context, _ []sink.Row[int]) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestStopTimeout(t *testing.T) {
	j := newJob(stream.StopTimeout(20 * ms))
	stream.To(fromNumbers(j, 3000), "stuck", &stuck{})
	stop, ended := running(t, j)
	eventually(t, "it runs", func() bool { return j.Count("records_in") > 0 })
	stop()
	err := <-ended
	require.ErrorIs(t, err, stream.ErrStopTimeout)
	require.ErrorContains(t, err, "20ms")
}

func TestRestartStrategies(t *testing.T) {
	run := func(failures int64, s stream.RestartStrategy) (*stream.Job, []int, error) {
		j := newJob(stream.Restart(s), stream.CheckpointEvery(ms))
		var failed atomic.Int64
		in := stream.TryMap(fromNumbers(j, 3000), func(n int) (int, error) {
			if n == 2500 && failed.Add(1) <= failures {
				return 0, errBroken
			}
			return n, nil
		})
		total := to(stream.Reduce(stream.Window(stream.All(in), window.Global(), stream.Trigger(window.AtEnd())), "total", sum))
		err := j.Run(t.Context())
		return j, total.Rows(), err
	}
	j, _, err := run(1, stream.NoRestart())
	require.ErrorIs(t, err, errBroken)
	require.Zero(t, j.Count("restarts"))
	j, total, err := run(2, stream.FixedDelay(2, ms))
	require.NoError(t, err)
	require.Equal(t, []int{2999 * 3000 / 2}, total, "each record counts once")
	require.EqualValues(t, 2, j.Count("restarts"))
	j, _, err = run(3, stream.FixedDelay(2, ms))
	require.ErrorIs(t, err, errBroken)
	require.EqualValues(t, 2, j.Count("restarts"))
	j, total, err = run(7, stream.ExponentialDelay(ms, 4*ms, time.Hour))
	require.NoError(t, err)
	require.Equal(t, []int{2999 * 3000 / 2}, total)
	require.EqualValues(t, 7, j.Count("restarts"))
}

// The delays are the job's clock's: they double up to the most, and a calm run begins anew.
func TestRestartDelays(t *testing.T) {
	clock := streamtest.NewClock(streamtest.Start)
	j := newJob(clock.Option(), stream.Restart(stream.ExponentialDelay(10*time.Second, 35*time.Second, time.Hour)))
	var attempts atomic.Int64
	to(stream.TryMap(fromNumbers(j, 10), func(int) (int, error) {
		if attempts.Add(1) == 5 {
			clock.Advance(time.Hour) // this attempt lasted
		}
		return 0, errBroken
	}))
	stop, ended := running(t, j)
	begun := clock.Now()
	for i, seconds := range []int{10, 20, 35, 35, 10, 20} {
		delay := time.Duration(seconds) * time.Second
		eventually(t, "it fails", func() bool { return j.Count("restarts") == int64(i+1) })
		advanceUntil(t, clock, delay, func() bool { return attempts.Load() == int64(i+2) })
		begun = begun.Add(delay)
	}
	require.Equal(t, begun.Add(time.Hour), clock.Now())
	eventually(t, "it fails", func() bool { return j.Count("restarts") == 7 })
	stop()
	require.ErrorIs(t, <-ended, errBroken)
}

// advanceUntil moves the clock to just before a delay, sees that nothing happens, and to its end.
func advanceUntil(t testing.TB, clock *streamtest.Clock, delay time.Duration, happened func() bool) {
	t.Helper()
	time.Sleep(5 * ms) // the job comes to wait
	clock.Advance(delay - time.Millisecond)
	time.Sleep(5 * ms)
	require.False(t, happened(), "too early")
	clock.Advance(time.Millisecond)
	eventually(t, "the delay is over", happened)
}

func TestShapeMismatch(t *testing.T) {
	base := func(j *stream.Job, gap time.Duration) stream.DataStream[int] {
		in := stream.From(j, "numbers", numbers(20), watermark.Monotonous(atMilli))
		return stream.Reduce(stream.Window(stream.KeyBy(in, identity), window.EventTimeSession(gap)), "sums", sum)
	}
	for name, c := range map[string]struct {
		build func(dir []stream.JobOption) *stream.Job
		want  []string
	}{
		"gap": {func(o []stream.JobOption) *stream.Job {
			j := newJob(o...)
			stream.To(base(j, 6*ms), "list", &sinkmemory.List[int]{})
			return j
		}, []string{"session gap 5ms", "session gap 6ms", `operator "sums"`}},
		"bound": {func(o []stream.JobOption) *stream.Job {
			j := newJob(o...)
			in := stream.From(j, "numbers", numbers(20), watermark.BoundedOutOfOrderness(ms, atMilli))
			stream.To(stream.Reduce(stream.Window(stream.KeyBy(in, identity), window.EventTimeSession(5*ms)), "sums", sum), "list", &sinkmemory.List[int]{})
			return j
		}, []string{"monotonous", "bounded out-of-orderness 1ms"}},
		"key": {func(o []stream.JobOption) *stream.Job {
			j := newJob(o...)
			in := stream.From(j, "numbers", numbers(20), watermark.Monotonous(atMilli))
			keyed := stream.KeyBy(in, func(n int) string { return fmt.Sprint(n) })
			stream.To(stream.Reduce(stream.Window(keyed, window.EventTimeSession(5*ms)), "sums", sum), "list", &sinkmemory.List[int]{})
			return j
		}, []string{"key int64", "key string"}},
		"max parallelism": {func(o []stream.JobOption) *stream.Job {
			j := newJob(append(o, stream.MaxParallelism(64))...)
			stream.To(base(j, 5*ms), "list", &sinkmemory.List[int]{})
			return j
		}, []string{"128", "64"}},
		"an operator more": {func(o []stream.JobOption) *stream.Job {
			j := newJob(o...)
			s := base(j, 5*ms)
			stream.To(s, "list", &sinkmemory.List[int]{})
			stream.To(stream.Reduce(stream.Window(stream.KeyBy(s, identity), window.Tumbling(10*ms)), "more", sum), "list2", &sinkmemory.List[int]{})
			return j
		}, []string{`operator "more" (reduce; tumbling 10ms`, "has no state", `stream.NewState("more")`}},
		"an operator less": {func(o []stream.JobOption) *stream.Job {
			j := newJob(o...)
			base(j, 5*ms)
			return j
		}, []string{`an operator "list" (sink) that the job lacks`}},
		"another job": {func(o []stream.JobOption) *stream.Job {
			j := stream.NewJob("other", append(o, stream.Logger(quiet()))...)
			stream.To(base(j, 5*ms), "list", &sinkmemory.List[int]{})
			return j
		}, []string{`"job"`, `"other"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := append(durable(t.TempDir()), stream.NoDrain())
			j := newJob(o...)
			stream.To(base(j, 5*ms), "list", &sinkmemory.List[int]{})
			require.NoError(t, j.Run(t.Context()))
			err := c.build(o).Run(t.Context())
			require.ErrorIs(t, err, stream.ErrShape)
			for _, w := range c.want {
				require.ErrorContains(t, err, w)
			}
		})
	}
}

// cells declares states by name.
type cells struct{ names []string }

func (c *cells) Open(ctx *stream.OpenContext) error {
	for _, n := range c.names {
		stream.NewValue(ctx, n, codec.Int())
	}
	return nil
}

func (c *cells) Process(*stream.Context, stream.Keyed[int, int], *stream.Collector[int]) error {
	return nil
}

func TestChangedStatesAreRefused(t *testing.T) {
	dir := t.TempDir()
	run := func(names ...string) error {
		j := newJob(append(durable(dir), stream.NoDrain())...)
		to(stream.Process(stream.KeyBy(fromNumbers(j, 20), identity), "cells", stream.PerTask(func() *cells { return &cells{names} })))
		return j.Run(t.Context())
	}
	require.NoError(t, run("a", "b"))
	require.NoError(t, run("a", "b"))
	err := run("a", "c")
	require.ErrorIs(t, err, stream.ErrShape)
	require.ErrorContains(t, err, `operator "cells": state "b" (int64) is not declared any more`)
	require.ErrorContains(t, err, `stream.DropState("cells", "b")`)
	require.NoError(t, run("b", "c", "a"), "states are found by name, and new ones begin empty")
	require.ErrorContains(t, run("a", "b"), `state "c"`)
	require.ErrorContains(t, run("a", "b", "c", "a"), `state "a" is declared twice`)
}

func TestPartitionCountMayNotChange(t *testing.T) {
	dir := t.TempDir()
	run := func(local bool, splits ...[]int) error {
		j := newJob(append(durable(dir), stream.NoDrain())...)
		in := stream.From(j, "numbers", memory.Splits(splits), watermark.Monotonous(atMilli))
		byNumber := stream.PartitionedBy(stream.Partitioner{Name: "parity", Partition: func(key []byte, n int32) int32 { return int32(key[7]) % n }})
		to(stream.Reduce(stream.Window(stream.KeyByPartition(in, identity, byNumber), window.Tumbling(10*ms)), "sums", sum))
		return j.Run(t.Context())
	}
	require.NoError(t, run(true, []int{0, 2}, []int{1, 3}))
	err := run(true, []int{0, 3}, []int{1}, []int{2})
	require.ErrorIs(t, err, stream.ErrShape)
	require.ErrorContains(t, err, "had 2 partitions when the state was written and has 3 now")
	err = run(true, []int{0, 2, 5}, []int{1, 3})
	require.ErrorIs(t, err, stream.ErrMisplacedKey)
	require.ErrorContains(t, err, "is in partition 0 of memory, parity of 2 partitions puts it in 1")
}

func TestOneSplitPerKeyIsChecked(t *testing.T) {
	j := newJob()
	in := stream.From(j, "numbers", memory.Splits([][]int{{1, 2}, {2, 3}}), watermark.None(atMilli))
	to(stream.Reduce(stream.Window(stream.KeyBy(in, func(n int) string { return fmt.Sprint("key", n) }, stream.OneSplitPerKey()), window.Tumbling(10*ms)), "sums", sum))
	err := j.Run(t.Context())
	require.ErrorIs(t, err, stream.ErrMisplacedKey)
	require.ErrorContains(t, err, `"key2" was declared to come from one split`)
	require.ErrorContains(t, err, "memory/0")
	require.ErrorContains(t, err, "memory/1")
}
