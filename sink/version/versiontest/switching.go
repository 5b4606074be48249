package versiontest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
)

// switches: from what is meant, to what is there; the one before is remembered.
func switches(s *scene) {
	s.create("v1", 1)
	s.create("v2", 2)
	require.ErrorIs(s, s.catalog.Switch(s.Context(), "", "v3"), version.ErrUnknown)
	require.ErrorIs(s, s.catalog.Switch(s.Context(), "v2", "v1"), version.ErrChanged)
	require.Empty(s, s.list().Current)
	s.switchTo("", "v1")
	require.Equal(s, "v1", s.list().Current)
	require.Empty(s, s.list().Previous)
	require.ErrorIs(s, s.catalog.Switch(s.Context(), "", "v2"), version.ErrChanged)
	s.switchTo("v1", "v2")
	require.Equal(s, [2]string{"v2", "v1"}, [2]string{s.list().Current, s.list().Previous})
	s.switchTo("v2", "v1") // back
	require.Equal(s, [2]string{"v1", "v2"}, [2]string{s.list().Current, s.list().Previous})
	l, err := s.open().List(s.Context())
	require.NoError(s, err)
	require.Equal(s, "v1", l.Current)
}

// again: switching to what readers see changes nothing of what is remembered.
func again(s *scene) {
	s.create("v1", 1)
	s.create("v2", 2)
	s.switchTo("", "v1")
	s.switchTo("v1", "v2")
	s.switchTo("v2", "v2")
	require.Equal(s, [2]string{"v2", "v1"}, [2]string{s.list().Current, s.list().Previous})
	s.requireSeen("v2", 2)
}

// drop: not what readers see; a dropped one is not gone back to.
func drop(s *scene) {
	s.create("v1", 1)
	s.create("v2", 1)
	require.ErrorIs(s, s.catalog.Drop(s.Context(), "v3"), version.ErrUnknown)
	s.switchTo("", "v1")
	s.switchTo("v1", "v2")
	require.ErrorIs(s, s.catalog.Drop(s.Context(), "v2"), version.ErrCurrent)
	require.NoError(s, s.catalog.Drop(s.Context(), "v1"))
	l := s.list()
	require.Len(s, l.Versions, 1)
	require.Equal(s, [2]string{"v2", ""}, [2]string{l.Current, l.Previous})
	s.requireSeen("v2", 1)
	require.ErrorIs(s, s.catalog.Switch(s.Context(), "v2", "v1"), version.ErrUnknown)
	require.ErrorIs(s, s.catalog.Drop(s.Context(), "v1"), version.ErrUnknown)
}

// race: of several that switch from one version, one does.
func race(s *scene) {
	const switchers = 4
	names := []string{"v1", "v2", "v3", "v4"}
	s.create("v0", 1)
	for _, name := range names {
		s.create(name, 1)
	}
	s.switchTo("", "v0")
	var wg sync.WaitGroup
	results := make([]error, switchers)
	for i := range switchers {
		c := s.open()
		wg.Go(func() { results[i] = c.Switch(s.Context(), "v0", names[i]) })
	}
	wg.Wait()
	winner := ""
	for i, err := range results {
		if err == nil {
			require.Empty(s, winner, "two switches from one version")
			winner = names[i]
			continue
		}
		require.True(s, errors.Is(err, version.ErrChanged) || errors.Is(err, version.ErrBusy), "%v", err)
	}
	require.NotEmpty(s, winner, "no switch came through: %v", results)
	require.Equal(s, [2]string{winner, "v0"}, [2]string{s.list().Current, s.list().Previous})
	s.requireSeen(winner, 1)
}

// follow: readers see what was switched to, whatever its number of rows.
func follow(s *scene) {
	s.create("v1", 5)
	s.switchTo("", "v1")
	s.requireSeen("v1", 5)
	s.create("v2", 9)
	s.requireSeen("v1", 5)
	s.switchTo("v1", "v2")
	s.requireSeen("v2", 9)
	s.switchTo("v2", "v1")
	s.requireSeen("v1", 5)
}

// mixture: a reader in a loop sees all rows of one version, whatever is switched meanwhile.
func mixture(s *scene) {
	const n, turns = 200, 40
	s.create("v1", n)
	s.create("v2", n)
	s.switchTo("", "v1")
	var stop atomic.Bool
	var wg sync.WaitGroup
	seen := map[string]int{}
	reads := 0
	wg.Go(func() {
		for table := First; !stop.Load() || reads < 2; reads++ {
			rows, err := s.target.Read(s, table)
			if err != nil || len(rows) != n {
				s.Errorf("a reader of %s sees %d rows, %v", table, len(rows), err)
				return
			}
			for _, r := range rows {
				if r.Text != rows[0].Text {
					s.Errorf("a reader of %s sees rows of %s and of %s", table, rows[0].Text, r.Text)
					return
				}
			}
			seen[rows[0].Text]++
			if table = Second; reads%2 == 1 {
				table = First
			}
		}
	})
	from, to := "v1", "v2"
	for range turns {
		err := s.catalog.Switch(s.Context(), from, to)
		if errors.Is(err, version.ErrBusy) {
			continue
		}
		require.NoError(s, err)
		from, to = to, from
	}
	stop.Store(true)
	wg.Wait()
	require.Positive(s, seen["v1"]+seen["v2"])
	s.Logf("%d reads during %d switches: %v", reads, turns, seen)
}

// foreign: what is the user's own under a reader's name stays, and nothing is switched.
func foreign(s *scene) {
	if s.target.Occupy == nil {
		return
	}
	s.create("v1", 3)
	s.target.Occupy(s, Second)
	err := s.catalog.Switch(s.Context(), "", "v1")
	require.ErrorIs(s, err, version.ErrTaken)
	require.ErrorContains(s, err, s.target.Reader(Second))
	require.True(s, s.target.Occupied(s, Second), "the user's own table is as it was")
	require.Empty(s, s.list().Current)
	_, err = s.target.Read(s, First)
	require.Error(s, err, "no part of the switch is done")
}
