package versiontest

import (
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
)

// facts: what is recorded is listed, by every catalog on the destination, in the order of creation.
func facts(s *scene) {
	require.Equal(s, version.Listing{}, s.list())
	begun := time.Now().Add(-time.Minute)
	for _, name := range []string{"v2", "v1", "gap_15m"} {
		created := s.create(name, 1)
		require.True(s, created.Created.After(begun), "Created is set")
		require.Equal(s, created.Created, created.Updated)
		got, ok := s.list().Version(name)
		require.True(s, ok)
		require.True(s, created.Created.Equal(got.Created))
		require.Equal(s, time.UTC, got.Created.Location())
	}
	l, err := s.open().List(s.Context())
	require.NoError(s, err)
	require.Len(s, l.Versions, 3)
	for i, name := range []string{"v2", "v1", "gap_15m"} {
		s.requireVersion(s.version(name), l.Versions[i])
	}
	require.Empty(s, l.Current)
	require.Empty(s, l.Previous)
}

// names: only plain ones, once.
func names(s *scene) {
	for _, name := range []string{"", "V2", "v-2", "_v", `v"2`, "v.2", "ü", "a23456789012345678901234567890123"} {
		v := s.version("v1")
		v.Name = name
		_, err := s.catalog.Create(s.Context(), v)
		require.Error(s, err, name)
	}
	_, err := s.catalog.Create(s.Context(), version.Version{Name: "v1"})
	require.ErrorContains(s, err, "no tables")
	s.create("v1", 1)
	_, err = s.catalog.Create(s.Context(), s.version("v1"))
	require.ErrorIs(s, err, version.ErrExists)
	require.Len(s, s.list().Versions, 1)
}

// places: no two versions share one.
func places(s *scene) {
	s.create("v1", 1)
	v := s.version("v2")
	v.Tables[s.target.Reader(Second)] = s.target.Place(Second, "v1")
	_, err := s.catalog.Create(s.Context(), v)
	require.ErrorIs(s, err, version.ErrTaken)
	require.Len(s, s.list().Versions, 1)
}

// update: facts change, and only of the version that was meant.
func update(s *scene) {
	v := s.create("v1", 1)
	other := s.create("v2", 1)
	v.Definition, v.Group, v.CaughtUp = "gap=1h", "other", true
	v.Log = version.Extend(v.Log, version.Extent{Split: "clicks/0", To: 20}, version.Extent{Split: "clicks/2", To: 7})
	require.NoError(s, s.catalog.Update(s.Context(), v))
	got, _ := s.list().Version("v1")
	s.requireVersion(v, got)
	require.False(s, got.Updated.Before(v.Updated))
	require.True(s, got.Created.Equal(v.Created))
	untouched, _ := s.list().Version("v2")
	s.requireVersion(other, untouched)

	require.NoError(s, s.catalog.Drop(s.Context(), "v1"))
	require.ErrorIs(s, s.catalog.Update(s.Context(), v), version.ErrUnknown, "a dropped version does not come back")
	if s.config.Features.Drops || s.target.Fill == nil {
		s.create("v1", 1)
		require.ErrorIs(s, s.catalog.Update(s.Context(), v), version.ErrUnknown, "this is another version of the name")
	}
	wrong := other
	wrong.Log = []version.Extent{{Split: "clicks/0", From: 5, To: 1}}
	require.Error(s, s.catalog.Update(s.Context(), wrong))
}

// createRace: of several that create one version, one does.
func createRace(s *scene) {
	const creators = 4
	v := s.version("v1")
	if s.target.Fill != nil {
		for _, place := range v.Tables {
			s.target.Fill(s, place, nil)
		}
	}
	var wg sync.WaitGroup
	results := make([]error, creators)
	for i := range creators {
		c := s.open()
		wg.Go(func() { _, results[i] = c.Create(s.Context(), v) })
	}
	wg.Wait()
	created := 0
	for _, err := range results {
		if err == nil {
			created++
		} else {
			require.True(s, errors.Is(err, version.ErrExists) || errors.Is(err, version.ErrBusy), "%v", err)
		}
	}
	require.Equal(s, 1, created)
	require.Len(s, s.list().Versions, 1)
}
