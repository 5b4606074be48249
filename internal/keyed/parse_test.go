package keyed

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/state"
)

// What a store encodes is taken apart without its cells' types, and each shortening of it is an error.
func TestParseWhatIsStored(t *testing.T) {
	s := New(Config{ShardOf: func([]byte) uint16 { return 5 }})
	NewCell(s, "unused", scalar.String{})
	name := NewCell(s, "name", scalar.String{})
	e, _, err := s.Entry([]byte("ada"), 0)
	require.NoError(t, err)
	e.Split = 3
	*name.Ensure(e) = "Lovelace"
	e.timers[EventTime].deadline, e.timers[EventTime].indexed = 100, 90
	b, err := s.encode(nil, e)
	require.NoError(t, err)
	v, err := ParseValue(b)
	require.NoError(t, err)
	require.Equal(t, Value{Split: 3, Deadline: [domains]int64{100, None}, Indexed: [domains]int64{90, None}, Cells: map[int][]byte{1: []byte("Lovelace")}}, v)
	again, err := v.Append(nil)
	require.NoError(t, err)
	require.Equal(t, b, again)
	for n := range b {
		_, err := ParseValue(b[:n])
		require.ErrorIs(t, err, state.ErrCorrupt, "%d of %d bytes", n, len(b))
	}
	_, err = ParseValue(append(b, 0))
	require.ErrorIs(t, err, state.ErrCorrupt)

	p, ok := ParsePlace(EntryKey(7, 5, "ada"))
	require.True(t, ok)
	require.Equal(t, Place{Operator: 7, Shard: 5, Key: []byte("ada")}, p)
	timer := appendTimerKey(nil, 7, ProcessingTime, 5, -90, "ada")
	p, ok = ParsePlace(timer)
	require.True(t, ok)
	require.Equal(t, Place{Timer: true, Operator: 7, Domain: ProcessingTime, Shard: 5, At: -90, Key: []byte("ada")}, p)
	require.Equal(t, timer[:len(TimerPrefix(7, ProcessingTime, 5))], TimerPrefix(7, ProcessingTime, 5))
	for _, bad := range [][]byte{nil, []byte("m"), []byte("s1"), timer[:10], []byte("t\x00\x01\x02\x00\x0012345678")} {
		_, ok := ParsePlace(bad)
		require.False(t, ok, "%q", bad)
	}
}
