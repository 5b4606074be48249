package stream_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// batches keeps what each Write brought.
type batches[T any] struct {
	traits  sink.Traits
	mu      sync.Mutex
	all     [][]sink.Row[T]
	writers atomic.Int64
}

func (b *batches[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) {
	b.writers.Add(1)
	return b, nil
}
func (b *batches[T]) Traits() sink.Traits { return b.traits }
func (b *batches[T]) String() string      { return "batches" }
func (b *batches[T]) Close() error        { return nil }
func (b *batches[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, slices.Clone(rows))
	return nil
}

func (b *batches[T]) rows() (all []sink.Row[T]) {
	for _, batch := range b.all {
		all = append(all, batch...)
	}
	return all
}

func TestBatchesAreFull(t *testing.T) {
	b := &batches[int]{traits: sink.Traits{BatchRows: 70}}
	j := newJob(stream.BufferTimeout(time.Hour))
	stream.To(fromNumbers(j, 1000), "batches", b)
	require.NoError(t, j.Run(t.Context()))
	require.Len(t, b.rows(), 1000)
	for i, row := range b.rows() {
		require.Equal(t, sink.Row[int]{Value: i, Timestamp: int64(i)}, row)
	}
	for _, batch := range b.all {
		require.LessOrEqual(t, len(batch), 70)
	}
	require.LessOrEqual(t, len(b.all), 20)
}

// A result that late records supersede is deleted in the batch that brings its successor, whatever the size of batches.
func TestSupersededRowsGoWithTheirSuccessor(t *testing.T) {
	log := hardLog(11, 4000, 1)
	for _, rows := range []int{1, 2, 7, 500} {
		for _, exchanged := range []bool{false, true} {
			b := &batches[event]{traits: sink.Traits{Upserts: true, BatchRows: rows}}
			j := newJob(stream.BatchSize(3), stream.BufferTimeout(1))
			in := stream.From(j, "clicks", memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(11), watermark.BoundedOutOfOrderness(time.Minute, eventTime))
			windows := stream.Window(stream.KeyBy(in, userOf, stream.OneSplitPerKey()), window.EventTimeSession(30*time.Minute), stream.AllowedLateness(3*time.Hour))
			out := stream.Reduce(windows, "last", func(_, b event) event { return b })
			if exchanged {
				out = stream.Rebalance(out, 1)
			}
			stream.To(out, "batches", b)
			require.NoError(t, j.Run(t.Context()))
			deletes := 0
			for _, batch := range b.all {
				for i, r := range batch {
					if r.Op == sink.Delete {
						deletes++
						require.Less(t, i, len(batch)-1, "a deletion is the last of its batch")
						require.Equal(t, r.Value.User, batch[i+1].Value.User)
					}
				}
			}
			require.Greater(t, deletes, 20)
			require.EqualValues(t, deletes, j.Count("retractions"))
		}
	}
}

func TestSingleSinksHaveOneWriter(t *testing.T) {
	for _, single := range []bool{true, false} {
		b := &batches[int]{traits: sink.Traits{Single: single}}
		j := newJob()
		in := stream.From(j, "numbers", memory.Splits([][]int{upTo(100), upTo(200), upTo(300)}), watermark.Monotonous(atMilli))
		stream.To(in, "batches", b)
		require.NoError(t, j.Run(t.Context()))
		require.Len(t, b.rows(), 600)
		require.Equal(t, map[bool]int64{true: 1, false: 3}[single], b.writers.Load())
	}
}

// Rows of a committing sink appear exactly once and in order, through stops, failures of the job and of each of its own calls.
func TestCommittedExactlyOnce(t *testing.T) {
	for name, fail := range map[string]func(c sinkmemory.Call, n int64) bool{
		"prepare":   func(c sinkmemory.Call, n int64) bool { return c == sinkmemory.Prepare && n%5 == 4 },
		"commit":    func(c sinkmemory.Call, n int64) bool { return c == sinkmemory.Commit && n%5 == 4 },
		"every one": func(_ sinkmemory.Call, n int64) bool { return n%11 == 10 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			committed := &sinkmemory.Committed[int]{}
			var calls atomic.Int64
			committed.FailWhen(func(c sinkmemory.Call) error {
				if fail(c, calls.Add(1)) {
					return errBroken
				}
				return nil
			})
			dir := t.TempDir()
			for attempt := 0; ; attempt++ {
				require.Less(t, attempt, 500)
				j := newJob(append(durable(dir), stream.CheckpointEvery(ms), stream.Restart(stream.FixedDelay(3, 0)))...)
				in := stream.From(j, "numbers", numbers(20_000).WithChunkSize(50), watermark.Monotonous(atMilli))
				slowly := stream.Map(in, func(n int) int {
					if n%50 == 0 {
						time.Sleep(50 * time.Microsecond)
					}
					return n
				})
				stream.To(slowly, "committed", committed)
				ctx, cancel := context.WithTimeout(t.Context(), 30*ms)
				err := j.Run(ctx)
				cancel()
				if err != nil {
					require.ErrorIs(t, err, errBroken)
					continue
				}
				if finished(j) {
					break
				}
			}
			require.Equal(t, upTo(20_000), committed.Rows())
		})
	}
}

// The last commit may fail after the checkpoint that finished the job: the next start makes up for it, and the one after has nothing to do.
func TestLastCommitIsMadeUpFor(t *testing.T) {
	committed := &sinkmemory.Committed[int]{}
	dir := t.TempDir()
	run := func() error {
		j := newJob(durable(dir)...)
		stream.To(fromNumbers(j, 10), "committed", committed)
		return j.Run(t.Context())
	}
	committed.FailWhen(func(c sinkmemory.Call) error {
		if c == sinkmemory.Commit {
			return errBroken
		}
		return nil
	})
	require.ErrorIs(t, run(), errBroken)
	require.Empty(t, committed.Rows())
	committed.FailWhen(nil)
	require.NoError(t, run())
	require.Equal(t, upTo(10), committed.Rows())
	committed.FailWhen(func(sinkmemory.Call) error { return errBroken })
	require.NoError(t, run())
}

// A sink that cannot delete keeps superseded rows, and is not asked to delete.
func TestListsGetNoDeletes(t *testing.T) {
	b := &batches[int]{}
	j := newJob()
	in := stream.From(j, "numbers", memory.Of(1, 25, 2, 3), watermark.Monotonous(atMilli))
	stream.To(stream.Reduce(stream.Window(stream.KeyByPartition(in, func(int) int { return 0 }, anyPartition), window.Tumbling(10*ms), stream.AllowedLateness(time.Second)), "sums", sum), "batches", b)
	require.NoError(t, j.Run(t.Context()))
	var values []int
	for _, r := range b.rows() {
		require.Equal(t, sink.Upsert, r.Op)
		values = append(values, r.Value)
	}
	require.Equal(t, []int{1, 3, 6, 25}, values)
	require.EqualValues(t, 2, j.Count("retractions_dropped"))
}
