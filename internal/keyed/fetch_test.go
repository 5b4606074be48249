package keyed_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
)

// What is expected is looked up once, and together, also what is not there.
func TestFetch(t *testing.T) {
	backend, err := memorystate.Backend().Open("", 0)
	require.NoError(t, err)
	defer backend.Close()
	open := func(loaded bool) (*keyed.Store, *keyed.Cell[int64]) {
		s := keyed.New(keyed.Config{Backend: backend, Shards: []uint16{0, 1, 2}, ShardOf: shardOf, Loaded: loaded})
		return s, keyed.NewCell(s, "value", jsonCodec[int64]{})
	}
	key := func(i int) []byte { return fmt.Appendf(nil, "key %d", i) }
	entry := func(s *keyed.Store, i int) *keyed.Entry {
		e, _, err := s.Entry(key(i), 0)
		require.NoError(t, err)
		return e
	}

	s, value := open(false)
	for i := range 50 {
		e := entry(s, 2*i) // odd ones are absent
		*value.Ensure(e) = int64(i)
		s.Dirty(e)
		s.Settle(e)
	}
	require.False(t, s.Expecting(1), "all there is lies in the table")
	var b state.Batch
	require.NoError(t, s.Snapshot(&b))
	require.NoError(t, backend.Commit(&b))

	s, value = open(true)
	require.False(t, s.Expecting(256), "nothing was looked up yet")
	for i := range 10 {
		s.Settle(entry(s, i))
	}
	require.False(t, s.Expecting(255), "10 look-ups in 256 records are few")
	require.False(t, s.Expecting(1), "255 records are too few to say anything")
	for i := range 16 {
		s.Settle(entry(s, 10+i))
	}
	require.True(t, s.Expecting(1))
	require.True(t, s.Expecting(0))
	require.NoError(t, s.Fetch(), "nothing is expected yet")
	for _, i := range []int{7, 40, 41, 2, 99, 98, 40, 97, 41, 0} {
		s.Expect(key(i))
	}
	before, stats := backend.Stats().Gets, s.Stats()
	require.NoError(t, s.Fetch())
	require.EqualValues(t, 6, backend.Stats().Gets-before, "each key once, and what is in the table not at all")
	require.EqualValues(t, 2, s.Stats().Reads-stats.Reads)
	require.EqualValues(t, 4, s.Stats().Misses-stats.Misses)
	require.True(t, s.Expecting(95))
	require.True(t, s.Expecting(160), "too few records again")
	require.False(t, s.Expecting(1), "6 look-ups for 256 records are few")
	before = backend.Stats().Gets
	for _, i := range []int{40, 41, 97, 98, 99, 7} {
		e := entry(s, i)
		if v := value.Get(e); i%2 == 0 {
			require.EqualValues(t, i/2, *v)
		} else {
			require.Nil(t, v)
		}
		s.Settle(e)
	}
	require.Equal(t, before, backend.Stats().Gets)

	// One that was absent, came, was committed and left the table is found again.
	e := entry(s, 41)
	*value.Ensure(e) = 7
	s.Dirty(e)
	s.Settle(e)
	b = state.Batch{}
	require.NoError(t, s.Snapshot(&b))
	require.NoError(t, backend.Commit(&b))
	s.Committed()
	s.SetBudget(1)
	for range 4 {
		s.Trim()
	}
	require.Zero(t, s.Stats().Entries)
	require.EqualValues(t, 7, *value.Get(entry(s, 41)))
}
