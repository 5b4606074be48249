package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
)

func atMilli(n int) time.Time { return time.UnixMilli(int64(n)) }

func identity(n int) int { return n }

// numbers are 0 to n-1 in one split, each at its own millisecond.
func numbers(n int) *memory.Source[int] {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return memory.Of(all...)
}

func newJob(opts ...stream.JobOption) *stream.Job {
	return stream.NewJob("job", append([]stream.JobOption{stream.Logger(quiet()), stream.StatusEvery(0)}, opts...)...)
}

func fromNumbers(j *stream.Job, n int) stream.DataStream[int] {
	return stream.From(j, "numbers", numbers(n), watermark.Monotonous(atMilli))
}

// An error or a panic of a user's function is told with the operator, subtask, split and offset, wherever the function stands.
func TestFailuresAreAttributed(t *testing.T) {
	for name, build := range map[string]func(in stream.DataStream[int], fail func(int) error){
		"filter": func(in stream.DataStream[int], fail func(int) error) {
			to(stream.Filter(in, func(n int) bool { mustNot(fail(n)); return true }, stream.Name("culprit")))
		},
		"map": func(in stream.DataStream[int], fail func(int) error) {
			to(stream.Map(in, func(n int) int { mustNot(fail(n)); return n }, stream.Name("culprit")))
		},
		"trymap behind a map": func(in stream.DataStream[int], fail func(int) error) {
			to(stream.TryMap(stream.Map(in, identity, stream.Name("innocent")), func(n int) (int, error) { return n, fail(n) }, stream.Name("culprit")))
		},
		"flatmap behind a flatmap": func(in stream.DataStream[int], fail func(int) error) {
			first := stream.FlatMap(in, func(n int, emit func(int)) { emit(n) }, stream.Name("innocent"))
			to(stream.FlatMap(first, func(n int, emit func(int)) { mustNot(fail(n)); emit(n) }, stream.Name("culprit")))
		},
		"trymap behind a process": func(in stream.DataStream[int], fail func(int) error) {
			first := stream.Process(in, "innocent", pass{})
			to(stream.TryMap(first, func(n int) (int, error) { return n, fail(n) }, stream.Name("culprit")))
		},
		"process": func(in stream.DataStream[int], fail func(int) error) {
			to(stream.Process(stream.Map(in, identity, stream.Name("innocent")), "culprit", failing[int]{func(n int) error { return fail(n) }}))
		},
		"behind an exchange": func(in stream.DataStream[int], fail func(int) error) {
			to(stream.TryMap(stream.Rebalance(in, 1, stream.Name("innocent")), func(n int) (int, error) { return n, fail(n) }, stream.Name("culprit")))
		},
		"keyed process in place": func(in stream.DataStream[int], fail func(int) error) {
			keyed := stream.KeyByPartition(stream.Map(in, identity, stream.Name("innocent")), identity, anyPartition)
			to(stream.Process(keyed, "culprit", failing[stream.Keyed[int, int]]{func(k stream.Keyed[int, int]) error { return fail(k.Value) }}))
		},
		"a key's function in place": func(in stream.DataStream[int], fail func(int) error) {
			keyed := stream.KeyByPartition(stream.Map(in, identity, stream.Name("innocent")), func(n int) int { mustNot(fail(n)); return n }, anyPartition)
			to(stream.Process(keyed, "culprit", failing[stream.Keyed[int, int]]{func(stream.Keyed[int, int]) error { return nil }}))
		},
		"side output": func(in stream.DataStream[int], fail func(int) error) {
			tag := stream.NewTag[int]("side")
			out := stream.Process(in, "innocent", aside{tag})
			to(stream.TryMap(stream.SideOutput(out, tag), func(n int) (int, error) { return n, fail(n) }, stream.Name("culprit")))
		},
	} {
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/panics=%v", name, panics), func(t *testing.T) {
				t.Parallel()
				j := newJob()
				build(fromNumbers(j, 1000), func(n int) error {
					if n != 700 {
						return nil
					}
					if panics {
						panic(errBroken)
					}
					return errBroken
				})
				err := j.Run(t.Context())
				require.ErrorIs(t, err, errBroken)
				var op *stream.OperatorError
				require.ErrorAs(t, err, &op)
				require.Equal(t, "culprit", op.Operator, err)
				require.Equal(t, "memory/0", op.Split)
				require.Equal(t, int64(700), op.Offset)
				require.Zero(t, op.Subtask)
				if panics {
					var p *stream.PanicError
					require.ErrorAs(t, err, &p)
					require.Contains(t, string(p.Stack), "errors_test.go")
				}
			})
		}
	}
}

var anyPartition = stream.PartitionedBy(stream.Partitioner{Name: "any", Partition: func([]byte, int32) int32 { return 0 }})

func to[T any](s stream.DataStream[T]) *sinkmemory.List[T] {
	l := &sinkmemory.List[T]{}
	stream.To(s, "list", l)
	return l
}

func mustNot(err error) {
	if err != nil {
		panic(err)
	}
}

type pass struct{}

func (pass) Process(_ *stream.Context, n int, out *stream.Collector[int]) error {
	out.Emit(n)
	return nil
}

type aside struct{ tag *stream.Tag[int] }

func (a aside) Process(ctx *stream.Context, n int, _ *stream.Collector[int]) error {
	return stream.EmitTo(ctx, a.tag, n)
}

type failing[In any] struct{ fail func(In) error }

func (f failing[In]) Process(_ *stream.Context, in In, _ *stream.Collector[int]) error {
	return f.fail(in)
}

// What a sink or a source refuses is told under its name, not under that of the operator that ran last.
func TestConnectorsFailuresAreAttributed(t *testing.T) {
	for _, call := range []sinkmemory.Call{sinkmemory.Open, sinkmemory.Write, sinkmemory.Prepare, sinkmemory.Commit} {
		t.Run("sink/"+string(call), func(t *testing.T) {
			t.Parallel()
			j := newJob()
			committed := &sinkmemory.Committed[int]{}
			committed.FailWhen(func(c sinkmemory.Call) error {
				if c == call {
					return errBroken
				}
				return nil
			})
			in := stream.Map(fromNumbers(j, 2000), identity, stream.Name("innocent"))
			stream.To(in, "culprit", committed)
			requireCulprit(t, j.Run(t.Context()))
		})
	}
	for _, after := range []int64{0, 1, 900} {
		t.Run(fmt.Sprintf("source/%d", after), func(t *testing.T) {
			t.Parallel()
			j := newJob()
			src := &broken{Source: numbers(5000).WithChunkSize(100), after: after}
			in := stream.From[int](j, "culprit", src, watermark.Monotonous(atMilli))
			to(stream.Map(in, identity, stream.Name("innocent")))
			requireCulprit(t, j.Run(t.Context()))
		})
	}
}

func requireCulprit(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, errBroken)
	var op *stream.OperatorError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "culprit", op.Operator, err)
}

// broken is a source whose first reader fails after a number of records.
type broken struct {
	*memory.Source[int]
	after int64
}

func (s *broken) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	inner, err := s.Source.Open(ctx, env)
	return brokenSession{inner, s.after}, err
}

type brokenSession struct {
	source.Session[int]
	after int64
}

func (s brokenSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[int], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	if s.after == 0 {
		return nil, errBroken
	}
	return &brokenReader{inner, s.after}, err
}

type brokenReader struct {
	source.Reader[int]
	left int64
}

func (r *brokenReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	if r.left <= 0 {
		return nil, errBroken
	}
	r.left -= 100
	return r.Reader.Fetch(ctx)
}

// undecodable is a source whose every tenth record cannot be decoded.
type undecodable struct{ *memory.Source[int] }

func (s undecodable) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	inner, err := s.Source.Open(ctx, env)
	return undecodableSession{inner}, err
}

type undecodableSession struct{ source.Session[int] }

func (s undecodableSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[int], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	return undecodableReader{inner}, err
}

type undecodableReader struct{ source.Reader[int] }

func (r undecodableReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	c, err := r.Reader.Fetch(ctx)
	return undecodableChunk{c}, err
}

type undecodableChunk struct{ source.Chunk[int] }

func (c undecodableChunk) Next(r *source.Record[int]) bool {
	if !c.Chunk.Next(r) {
		return false
	}
	if r.Value%10 == 3 {
		raw := source.Raw{Topic: "numbers", Offset: r.Offset, Value: fmt.Append(nil, r.Value)}
		*r = source.Record[int]{Offset: r.Offset, Timestamp: r.Timestamp, Err: &source.DecodeError{Raw: raw, Err: errBroken}}
	}
	return true
}

// away cannot decode record 50 the first two times, because of something that waiting mends.
type away struct {
	source.Source[int]
	asked *atomic.Int64
}

func (a away) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	s, err := a.Source.Open(ctx, env)
	return awaySession{s, a.asked}, err
}

type awaySession struct {
	source.Session[int]
	asked *atomic.Int64
}

func (s awaySession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[int], error) {
	r, err := s.Session.Reader(ctx, split, at)
	return awayReader{r, s.asked}, err
}

type awayReader struct {
	source.Reader[int]
	asked *atomic.Int64
}

func (r awayReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	c, err := r.Reader.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return awayChunk{c, r.asked}, nil
}

type awayChunk struct {
	source.Chunk[int]
	asked *atomic.Int64
}

func (c awayChunk) Next(r *source.Record[int]) bool {
	if !c.Chunk.Next(r) {
		return false
	}
	if r.Value == 50 && c.asked.Add(1) < 3 {
		err := source.Temporary(errors.New("the registry is away"))
		*r = source.Record[int]{Offset: r.Offset, Timestamp: r.Timestamp, Err: &source.DecodeError{Raw: source.Raw{Topic: "numbers", Offset: r.Offset}, Err: err}}
	}
	return true
}

func TestUndecodable(t *testing.T) {
	run := func(opts ...stream.SourceOption) (*stream.Job, *sinkmemory.List[int], stream.DataStream[int]) {
		j := newJob()
		in := stream.From(j, "numbers", undecodable{numbers(100)}, watermark.Monotonous(atMilli), opts...)
		return j, to(in), in
	}
	t.Run("fail", func(t *testing.T) {
		j, _, _ := run()
		err := j.Run(t.Context())
		require.ErrorIs(t, err, errBroken)
		var d *source.DecodeError
		require.ErrorAs(t, err, &d)
		require.Equal(t, int64(3), d.Raw.Offset)
		var op *stream.OperatorError
		require.ErrorAs(t, err, &op)
		require.Equal(t, "numbers", op.Operator)
		require.Equal(t, int64(3), op.Offset)
	})
	t.Run("fail at once", func(t *testing.T) { // it would fail again and again
		j := newJob(stream.Restart(stream.FixedDelay(5, 0)))
		to(stream.From(j, "numbers", undecodable{numbers(100)}, watermark.Monotonous(atMilli)))
		require.ErrorIs(t, j.Run(t.Context()), errBroken)
		require.Zero(t, j.Count("restarts"))
	})
	t.Run("skip", func(t *testing.T) {
		j, list, _ := run(stream.SkipUndecodable())
		require.NoError(t, j.Run(t.Context()))
		require.Len(t, list.Rows(), 90)
		require.EqualValues(t, 10, j.Count("undecodable"))
	})
	t.Run("dead letters", func(t *testing.T) {
		j, list, in := run()
		dead := &sinkmemory.List[string]{}
		stream.To(stream.Map(stream.DeadLetters(in), func(e *source.DecodeError) string { return string(e.Raw.Value) }), "dead", dead)
		require.NoError(t, j.Run(t.Context()))
		require.Len(t, list.Rows(), 90)
		require.Equal(t, []string{"3", "13", "23", "33", "43", "53", "63", "73", "83", "93"}, dead.Rows())
	})
	t.Run("temporary", func(t *testing.T) { // what could not be decoded for now is never passed over
		var asked atomic.Int64
		j := newJob(stream.Restart(stream.FixedDelay(5, 0)))
		in := stream.From(j, "numbers", away{undecodable{numbers(100)}, &asked}, watermark.Monotonous(atMilli), stream.SkipUndecodable())
		list := to(in)
		dead := to2(stream.Map(stream.DeadLetters(in), func(e *source.DecodeError) string { return string(e.Raw.Value) }), "dead")
		require.NoError(t, j.Run(t.Context()))
		require.EqualValues(t, 3, asked.Load())
		require.NotContains(t, dead.Rows(), "50")
		seen := map[int]bool{}
		for _, n := range list.Rows() {
			seen[n] = true
		}
		require.Len(t, seen, 90)
		require.True(t, seen[50])
	})
	t.Run("only of a source", func(t *testing.T) {
		j, _, in := run()
		to2(stream.DeadLetters(stream.Map(in, identity)), "a")
		to2(stream.Quarantined(stream.Filter(in, func(int) bool { return true })), "b")
		err := j.Run(t.Context())
		require.ErrorContains(t, err, "stream.DeadLetters reads what From returned")
		require.ErrorContains(t, err, "stream.Quarantined reads what From returned")
	})
}

func to2[T any](s stream.DataStream[T], name string) *sinkmemory.List[T] {
	l := &sinkmemory.List[T]{}
	stream.To(s, name, l)
	return l
}

// A timestamp far beyond the one the log gave the record does not move the watermark: the record is set aside.
func TestFarFutureIsQuarantined(t *testing.T) {
	j := newJob()
	hour := int(time.Hour / ms)
	src := memory.Of(0, hour, 26*hour, 24*hour, 24*hour+1, 2*hour).WithTimestamps(func(int) time.Time { return time.UnixMilli(0) })
	in := stream.From(j, "numbers", src, watermark.Monotonous(atMilli))
	list, far := to(in), to2(stream.Quarantined(in), "far")
	require.NoError(t, j.Run(t.Context()))
	require.Equal(t, []int{0, hour, 24 * hour, 2 * hour}, list.Rows())
	require.Equal(t, []int{26 * hour, 24*hour + 1}, far.Rows())
	require.EqualValues(t, 2, j.Count("quarantined"))
}

// A sink's and a source's temporary errors are tried again with the same rows.
func TestTemporaryErrorsAreRetried(t *testing.T) {
	j := newJob()
	table := sinkmemory.NewTable(identity)
	failures := 3
	table.FailWhen(func(c sinkmemory.Call) error {
		if failures > 0 {
			failures--
			return sink.Temporary(errors.New("away"))
		}
		return nil
	})
	stream.To(fromNumbers(j, 1000), "table", table)
	require.NoError(t, j.Run(t.Context()))
	require.Len(t, table.Rows(), 1000)
	require.EqualValues(t, 3, j.Count("retries"))
	require.True(t, slices.IsSorted(table.Rows()))
}

// flaky is a source whose calls fail temporarily until they have failed so often.
type flaky struct {
	*memory.Source[int]
	left atomic.Int64
}

func (s *flaky) fails() error {
	if s.left.Add(-1) >= 0 {
		return source.Temporary(errBroken)
	}
	return nil
}

func (s *flaky) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	if err := s.fails(); err != nil {
		return nil, err
	}
	inner, err := s.Source.Open(ctx, env)
	return flakySession{inner, s}, err
}

type flakySession struct {
	source.Session[int]
	of *flaky
}

func (s flakySession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[int], error) {
	s.of.left.Store(2) // the next fetches fail
	inner, err := s.Session.Reader(ctx, split, at)
	return flakyReader{inner, s.of}, err
}

type flakyReader struct {
	source.Reader[int]
	of *flaky
}

func (r flakyReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	if err := r.of.fails(); err != nil {
		return nil, err
	}
	return r.Reader.Fetch(ctx)
}

// A source that is away is tried again with growing delays of the job's clock, until RetryFor is over.
func TestSourceRetries(t *testing.T) {
	run := func(failures int64) (*stream.Job, *sinkmemory.List[int], error) {
		clock := streamtest.NewClock(streamtest.Start)
		j := newJob(clock.Option(), stream.RetryFor(time.Minute))
		src := &flaky{Source: numbers(100)}
		src.left.Store(failures)
		list := to(stream.From[int](j, "numbers", src, watermark.Monotonous(atMilli)))
		_, ended := running(t, j)
		for {
			select {
			case err := <-ended:
				return j, list, err
			case <-time.After(ms):
				clock.Advance(100 * ms)
			}
		}
	}
	j, list, err := run(3)
	require.NoError(t, err)
	require.Len(t, list.Rows(), 100)
	require.EqualValues(t, 5, j.Count("retries"))
	_, _, err = run(1000)
	require.ErrorIs(t, err, errBroken)
	require.ErrorContains(t, err, "gave up after 1m")
	require.ErrorContains(t, err, `operator "numbers"`)
}
