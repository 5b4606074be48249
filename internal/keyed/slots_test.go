package keyed

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/scalar"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
)

func never(string) bool { return false }

// declare makes a store over a backend whose cells hold integers.
func declare(backend state.Store, names ...string) (*Store, map[string]*Cell[int]) {
	s := New(Config{Backend: backend, Operator: 3, Shards: []uint16{0}, ShardOf: func([]byte) uint16 { return 0 }, Loaded: true})
	cells := map[string]*Cell[int]{}
	for _, n := range names {
		cells[n] = NewCell(s, n, scalar.Int[int]{})
	}
	return s, cells
}

func commit(t *testing.T, backend state.Store, s *Store) {
	t.Helper()
	var b state.Batch
	require.NoError(t, s.Snapshot(&b))
	require.NoError(t, backend.Commit(&b))
	s.Committed()
}

// Timers go with the cell that they are in: the key is read without them, and their index goes when it next changes.
func TestDroppedTimersNeverFire(t *testing.T) {
	backend, err := memory.Backend().Open("", 0)
	require.NoError(t, err)
	s, cells := declare(backend, "timers", "n")
	slots, plans := s.Adopt(nil, never)
	require.Equal(t, []state.CellPlan{{Name: "timers", Fate: state.New, Is: "int64"}, {Name: "n", Fate: state.New, Is: "int64"}}, plans)
	require.NoError(t, s.Bind(slots))
	e, _, err := s.Entry([]byte("k"), 0)
	require.NoError(t, err)
	*cells["timers"].Ensure(e), *cells["n"].Ensure(e) = 1, 7
	s.SetDeadline(e, EventTime, 100)
	s.Dirty(e)
	commit(t, backend, s)

	s, cells = declare(backend, "n")
	_, plans = s.Adopt(slots, never)
	require.Contains(t, plans[1].Problem, `state "timers"`)
	slots, plans = s.Adopt(slots, func(name string) bool { return name == "timers" })
	require.Equal(t, state.CellPlan{Name: "timers", Fate: state.Dropped, Was: []string{"int64"}}, plans[1])
	require.NoError(t, s.Bind(slots))
	due, _, err := s.Due(EventTime, math.MaxInt64)
	require.NoError(t, err)
	require.Nil(t, due)
	e, err = s.Find([]byte("k"))
	require.NoError(t, err)
	require.Equal(t, 7, *cells["n"].Get(e))
	*cells["n"].Get(e) = 8
	s.Dirty(e)
	commit(t, backend, s)
	left := 0
	require.NoError(t, backend.Scan(nil, nil, func(k, _ []byte) bool {
		p, ok := ParsePlace(k)
		require.True(t, ok)
		require.False(t, p.Timer)
		left++
		return true
	}))
	require.Equal(t, 1, left)

	// The same names again, in another order: what was dropped does not come back.
	s, cells = declare(backend, "n", "timers")
	slots, plans = s.Adopt(slots, never)
	require.Len(t, slots, 3)
	require.Equal(t, state.New, plans[1].Fate)
	require.NoError(t, s.Bind(slots))
	e, err = s.Find([]byte("k"))
	require.NoError(t, err)
	require.Equal(t, 8, *cells["n"].Get(e))
	require.Nil(t, cells["timers"].Get(e))
}

func TestUnboundCellsAreDamage(t *testing.T) {
	backend, err := memory.Backend().Open("", 0)
	require.NoError(t, err)
	s, cells := declare(backend, "a", "b")
	e, _, err := s.Entry([]byte("k"), 0)
	require.NoError(t, err)
	*cells["b"].Ensure(e) = 1
	s.Dirty(e)
	commit(t, backend, s)
	s, _ = declare(backend, "a")
	_, err = s.Find([]byte("k"))
	require.ErrorIs(t, err, state.ErrCorrupt)
	require.Error(t, s.Bind(nil), "a cell has no slot")
	slots, _ := s.Adopt(nil, never)
	require.NoError(t, s.Bind(slots))
	_, err = s.Find([]byte("k"))
	require.ErrorIs(t, err, state.ErrCorrupt)
}

func TestMergeSlots(t *testing.T) {
	a := []Slot{{Name: "a"}, {Name: "b", Dropped: true}}
	b := []Slot{{Name: "a", Dropped: true}, {Name: "b"}, {Name: "c"}}
	want := []Slot{{Name: "a", Dropped: true}, {Name: "b", Dropped: true}, {Name: "c"}}
	require.Equal(t, want, MergeSlots(a, b))
	require.Equal(t, want, MergeSlots(b, a))
	require.False(t, a[0].Dropped, "the lists are not changed")
}

func TestRangesOfAnOperator(t *testing.T) {
	for _, n := range []uint16{0, 255, 256, math.MaxUint16} {
		for _, r := range [][2][]byte{{EntriesOf(n), EntriesAfter(n)}, {TimersOf(n), TimersAfter(n)}} {
			inside := string(appendEntryKey(nil, n, math.MaxUint16, "\xff\xff"))
			if r[0][0] == timerPrefix {
				inside = string(appendTimerKey(nil, n, ProcessingTime, math.MaxUint16, math.MaxInt64, "\xff"))
			}
			require.GreaterOrEqual(t, inside, string(r[0]))
			require.Less(t, inside, string(r[1]))
			if n < math.MaxUint16 {
				require.GreaterOrEqual(t, string(append(r[0][:1:1], EntriesOf(n + 1)[1:]...)), string(r[1]))
			}
		}
	}
}
