package stream_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// counting is a clock that counts how often something waits by it.
type counting struct {
	clock.Clock
	waits atomic.Int64
}

func (c *counting) After(d time.Duration) (<-chan time.Time, func()) {
	c.waits.Add(1)
	return c.Clock.After(d)
}

// sized is a source whose records take 50 bytes.
type sized struct{ source.Source[int] }

func (s sized) Open(ctx context.Context, env source.Env) (source.Session[int], error) {
	inner, err := s.Source.Open(ctx, env)
	return sizedSession{inner}, err
}

type sizedSession struct{ source.Session[int] }

func (s sizedSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[int], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	return sizedReader{inner}, err
}

type sizedReader struct{ source.Reader[int] }

func (r sizedReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	inner, err := r.Reader.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return sizedChunk{inner}, nil
}

type sizedChunk struct{ source.Chunk[int] }

func (c sizedChunk) Next(r *source.Record[int]) bool {
	ok := c.Chunk.Next(r)
	r.Size = 50
	return ok
}

func recordsOf(j *stream.Job) (n, bytes int64) {
	for _, s := range j.Status().Splits {
		n, bytes = n+s.Records, bytes+s.Bytes
	}
	return n, bytes
}

// All splits together emit at the rate, to the record, without bursts and without being woken for nothing; checkpoints go on meanwhile.
func TestRateLimit(t *testing.T) {
	for name, c := range map[string]struct {
		rate  limit.Rate
		every time.Duration // one record
		waits int64         // for a record, of all that wait
	}{
		"ten a second":          {limit.Rate{Events: 10}, 100 * ms, 4},
		"five hundred a second": {limit.Rate{Events: 500}, 2 * ms, 4},
		"bytes":                 {limit.Rate{Bytes: 1000}, 50 * ms, 4},
	} {
		t.Run(name, func(t *testing.T) {
			fake := clock.NewFake(streamStart)
			counted := &counting{Clock: fake}
			j := newJob(stream.UnderTest(counted, nil), stream.RateLimit(limit.New(c.rate)), stream.CheckpointEvery(time.Second))
			src := sized{memory.Splits([][]int{upTo(5000), upTo(5000), upTo(5000)})}
			list := to(stream.From[int](j, "numbers", src, watermark.Monotonous(atMilli)))
			stop, ended := running(t, j)
			share := max(int64(10*ms/c.every), 1)
			eventually(t, "all splits have drawn", func() bool {
				held := 0
				for _, s := range j.Status().Splits {
					if s.Limited {
						held++
					}
				}
				return held == 3
			})
			const steps = 150
			before := counted.waits.Load()
			due := func() int64 { return int64(fake.Now().Sub(streamStart) / c.every) }
			for range steps {
				fake.Advance(time.Duration(share) * c.every)
				most, looks := int64(0), 0
				eventually(t, "the share of the time is emitted", func() bool {
					n, bytes := recordsOf(j) // counted one after the other
					most = max(most, n-due())
					if looks++; looks%50 == 0 { // an alarm that was set while the clock moved is for later
						fake.Advance(c.every / 10)
					}
					return n == due() && bytes == 50*n
				})
				require.LessOrEqual(t, most, int64(0), "more than is due")
			}
			require.LessOrEqual(t, counted.waits.Load()-before, c.waits*due()+100)
			eventually(t, "what was emitted is written", func() bool { fake.Advance(0); return int64(len(list.Rows())) == due() })
			for _, s := range j.Status().Splits {
				require.InDelta(t, due()/3, s.Records, float64(max(2*share, due()/10)), "split %s has its part", s.ID)
			}
			require.Equal(t, c.rate, j.Status().Limit.Wanted)
			stop()
			require.NoError(t, <-ended)
		})
	}
}

var streamStart = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// A job that is held can be checkpointed, drained and stopped, and let go.
func TestRateLimitObeys(t *testing.T) {
	dir := t.TempDir()
	log := memory.NewLive[int](2)
	require.NoError(t, log.Append(0, upTo(1000)...))
	require.NoError(t, log.Append(1, upTo(1000)...))
	l := limit.New(limit.Rate{Events: 0.001})
	start := func(opts ...stream.JobOption) (*stream.Job, context.CancelFunc, <-chan error) {
		j := newJob(append(durable(dir), append(opts, stream.RateLimit(l))...)...)
		sums(j, stream.From[int](j, "numbers", log, watermark.Monotonous(atMilli)))
		stop, ended := running(t, j)
		eventually(t, "it is held", func() bool {
			s := j.Status().Splits
			return len(s) == 2 && s[0].Limited && s[1].Limited
		})
		return j, stop, ended
	}
	j, stop, ended := start(stream.CheckpointEvery(ms))
	eventually(t, "checkpoints go on", func() bool { return j.Count("checkpoints") > 5 })
	stop()
	require.NoError(t, <-ended)

	j, stop, ended = start()
	l.Set(limit.Rate{})
	eventually(t, "it is let go", func() bool { n, _ := recordsOf(j); return n == 2000 })
	stop()
	require.NoError(t, <-ended)

	l.Set(limit.Rate{Events: 0.001})
	require.NoError(t, log.Append(0, 1000))
	require.NoError(t, log.Append(1, 1000))
	j, _, ended = start()
	j.Drain()
	require.NoError(t, <-ended)
	require.EqualValues(t, 1000, j.Status().Splits[0].Position)
}

// tired is a sink whose writes take as long as is set.
type tired struct {
	batches[int]
	takes atomic.Int64
	fails atomic.Bool
}

func (s *tired) Open(context.Context, sink.Env) (sink.Writer[int], error) { return s, nil }
func (s *tired) Write(context.Context, []sink.Row[int]) error {
	time.Sleep(time.Duration(s.takes.Load()))
	if s.fails.Load() {
		return sink.Temporary(errBroken)
	}
	return nil
}

// A job whose sink gets slow or fails reads less, never nothing, and more when the sink is well again.
func TestGovernedJob(t *testing.T) {
	g, err := limit.NewGovernor(limit.Adaptive{Target: 20 * ms, Interval: 20 * ms, Floor: 100})
	require.NoError(t, err)
	s := &tired{batches: batches[int]{traits: sink.Traits{BatchRows: 100}}}
	j := newJob(stream.RateLimit(limit.New(limit.Rate{Events: 50_000}).Govern(g)))
	log := memory.NewLive[int](1)
	require.NoError(t, log.Append(0, make([]int, 1_000_000)...))
	stream.To(stream.From[int](j, "numbers", log, watermark.Monotonous(atMilli)), "tired", s)
	stop, ended := running(t, j)
	limitOf := func() limit.State { return *j.Status().Limit }
	eventually(t, "the sink is well", func() bool { return sinkOf(j).Rows > 2000 && !limitOf().Lowered() })
	s.takes.Store(int64(60 * ms))
	eventually(t, "writes are slow", func() bool { return limitOf().Lowered() && limitOf().Latency > 20*ms })
	s.takes.Store(0)
	slow := limitOf().Events
	eventually(t, "it recovers", func() bool { return limitOf().Events > slow })
	s.fails.Store(true)
	eventually(t, "writes fail", func() bool { return limitOf().Reason == limit.Failing || limitOf().Reason == limit.AtFloor })
	s.fails.Store(false)
	failing, rows := limitOf().Events, sinkOf(j).Rows
	eventually(t, "it recovers", func() bool { return limitOf().Events > failing && sinkOf(j).Rows > rows })
	stop()
	require.NoError(t, <-ended)
}
