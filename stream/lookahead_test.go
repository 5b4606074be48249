package stream_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// lookUps counts the keys looked up one at a time, and together.
type lookUps struct{ single, together atomic.Int64 }

type lookedUp struct {
	state.Store
	by *lookUps
}

func (s lookedUp) Get(key, dst []byte) ([]byte, bool, error) {
	s.by.single.Add(1)
	return s.Store.Get(key, dst)
}

func (s lookedUp) MultiGet(keys [][]byte, visit func(int, []byte) error) error {
	s.by.together.Add(int64(len(keys)))
	return s.Store.MultiGet(keys, visit)
}

// Where state is larger than memory, what the records of a batch need is looked up together, and nothing of it again; the results are the same.
func TestStateIsReadAhead(t *testing.T) {
	const keys, rounds = 30_000, 3
	var numbers []int
	for i := range keys * rounds {
		numbers = append(numbers, i*7919%keys)
	}
	for _, how := range []string{"process", "window"} {
		t.Run(how, func(t *testing.T) {
			b := new(lookUps)
			pebble := pebblestate.Backend(pebblestate.Logger(quiet()))
			j := stream.NewJob("numbers", stream.Backend(wrapping{pebble, func(s state.Store) state.Store { return lookedUp{s, b} }}), stream.StateDir(t.TempDir()), stream.MemoryBudget(4<<20), stream.DefaultParallelism(2), stream.CheckpointEvery(20*time.Millisecond))
			in := stream.From(j, "numbers", memory.Splits([][]int{numbers}), watermark.None(func(int) time.Time { return time.UnixMilli(0) }))
			by := stream.KeyBy(in, identity)
			list := &sinkmemory.List[int]{}
			var all atomic.Int64
			if how == "process" {
				stream.To(stream.Process(by, "times", stream.PerTask(func() *times { return &times{all: &all} })), "list", list)
			} else {
				sums := stream.Reduce(stream.Window(by, window.EventTimeSession(time.Minute)), "sums", func(a, b int) int { return a + b })
				stream.To(sums, "list", list)
			}
			require.NoError(t, j.Run(t.Context()))
			got := map[int]int{}
			for _, r := range list.Rows() {
				got[r]++
			}
			for key := range keys {
				if how == "process" {
					require.Equal(t, rounds, got[key], key)
				} else {
					require.Positive(t, got[rounds*key], key)
				}
			}
			require.Positive(t, j.StateStats().Evictions)
			require.Greater(t, b.together.Load(), b.single.Load())
		})
	}
}
