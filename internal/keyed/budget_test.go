package keyed_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
)

// What cannot leave memory counts until its batch is committed, wherever it is on its way.
func TestWhatIsHeldCountsUntilItIsCommitted(t *testing.T) {
	s, backend := oneShard(t)
	cell := keyed.NewCell[int](s, "n", codec.Int())
	change := func(from, to int) {
		for i := from; i < to; i++ {
			e, _, err := s.Entry(fmt.Append(nil, i), 0)
			require.NoError(t, err)
			*cell.Ensure(e) = i
			s.Dirty(e)
		}
	}
	budget := func(entries int) {
		stats := s.Stats()
		s.SetBudget(int64(entries) * stats.EstimatedBytes / int64(stats.Entries))
	}
	held := func(entries int) {
		t.Helper()
		budget(entries - 5)
		require.True(t, s.Full())
		budget(entries + 5)
		require.False(t, s.Full())
		require.True(t, s.Strained())
		budget(entries*4/3 + 10)
		require.False(t, s.Strained())
		s.SetBudget(0)
		require.False(t, s.Full() || s.Strained() || s.Pressed(), "without a budget")
	}
	change(0, 800)
	held(800)
	var b state.Batch
	s.Begin(&b)
	held(800)
	done, err := s.Slice(500)
	require.NoError(t, err)
	require.False(t, done)
	held(800)
	change(800, 1100)
	held(1100)
	done, err = s.Slice(1000)
	require.NoError(t, err)
	require.True(t, done)
	held(1100)
	budget(500)
	require.True(t, s.Full())
	require.True(t, s.Pressed(), "by the 300 that are in no batch")
	s.Trim()
	require.Equal(t, 1100, s.Stats().Entries, "none may leave")
	require.NoError(t, backend.Commit(&b))
	s.Committed()
	held(300)
	budget(500)
	s.Trim()
	require.Less(t, s.Stats().Entries, 510)
	require.GreaterOrEqual(t, s.Stats().Entries, 300)
}

// oneShard is an empty store with a shard, over a backend in memory.
func oneShard(t *testing.T) (*keyed.Store, state.Store) {
	backend, err := memory.Backend().Open(t.TempDir(), 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	return keyed.New(keyed.Config{Backend: backend, Shards: []uint16{0}, ShardOf: func([]byte) uint16 { return 0 }}), backend
}
