package stream_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// slowCommits makes commits wait, from the second on, until they are let go.
type slowCommits struct {
	let    chan struct{}
	waits  func() // is called when one waits
	commit atomic.Int64
}

type slowStore struct {
	state.Store
	by *slowCommits
}

func (s slowStore) Commit(b *state.Batch) error {
	if s.by.commit.Add(1) > 1 {
		s.by.waits()
		<-s.by.let
	}
	return s.Store.Commit(b)
}

// times counts how often a number came, and in all how many did.
type times struct {
	n   stream.ValueState[int]
	all *atomic.Int64
}

func (c *times) Open(ctx *stream.OpenContext) error {
	c.n = stream.NewValue(ctx, "n", codec.Int())
	return nil
}

func (c *times) Process(_ *stream.Context, in stream.Keyed[int, int], out *stream.Collector[int]) error {
	n, _ := c.n.Get()
	c.n.Set(n + 1)
	c.all.Add(1)
	out.Emit(in.Value)
	return nil
}

// What changes while a commit takes its time stays in memory; when it fills the budget the job waits for the commit, and for nothing else.
func TestMemoryIsBoundedWhereKeysChangeFasterThanCommits(t *testing.T) {
	const keys = 200_000
	for _, how := range []string{"in place", "exchange", "two exchanges"} {
		t.Run(how, func(t *testing.T) {
			waits := make(chan struct{})
			b := &slowCommits{let: make(chan struct{}), waits: sync.OnceFunc(func() { close(waits) })}
			splits := make([][]int, 2)
			for i := range keys {
				splits[i%2] = append(splits[i%2], i)
			}
			var seen, again atomic.Int64
			counted := func(all *atomic.Int64) stream.Function[stream.Keyed[int, int], int] {
				return stream.PerTask(func() *times { return &times{all: all} })
			}
			j := stream.NewJob("keys", stream.Backend(wrapping{memorystate.Backend(), func(s state.Store) state.Store { return slowStore{s, b} }}), stream.StateDir(t.TempDir()), stream.MemoryBudget(16<<20), stream.DefaultParallelism(2), stream.CheckpointEvery(time.Hour))
			in := stream.From(j, "numbers", memory.Splits(splits), watermark.None(func(int) time.Time { return time.UnixMilli(0) }))
			by := stream.KeyBy(in, identity)
			if how == "in place" {
				by = stream.KeyByPartition(in, identity, stream.PartitionedBy(stream.Partitioner{Name: "parity", Partition: func(key []byte, n int32) int32 { return int32(key[len(key)-1]) % n }}))
			}
			out := stream.Process(by, "times", counted(&seen))
			if how == "two exchanges" {
				out = stream.Process(stream.KeyBy(out, func(n int) int { return n / 2 }), "again", counted(&again))
			}
			list := &sinkmemory.List[int]{}
			stream.To(out, "list", list)
			let := sync.OnceFunc(func() { close(b.let) })
			_, ended := running(t, j)
			t.Cleanup(let) // before that of running, which waits for the end
			select {
			case <-waits:
			case err := <-ended:
				require.NoError(t, err)
				t.Fatal("no commit was waited for")
			}
			for last := int64(-1); last != seen.Load(); time.Sleep(100 * time.Millisecond) {
				last = seen.Load()
			}
			require.Positive(t, seen.Load())
			require.Less(t, seen.Load(), int64(keys/2))
			let()
			require.NoError(t, <-ended)
			require.Len(t, list.Rows(), keys)
			require.EqualValues(t, keys, seen.Load())
			if how == "two exchanges" {
				require.EqualValues(t, keys, again.Load())
			}
			require.Positive(t, j.StateStats().Evictions)
			require.Greater(t, b.commit.Load(), int64(3), "checkpoints are made as memory needs them")
		})
	}
}
