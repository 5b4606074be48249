package versiontest

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
)

// dropped: the places are free again.
func dropped(s *scene) {
	s.create("v1", 4)
	s.create("v2", 4)
	s.switchTo("", "v2")
	require.NoError(s, s.catalog.Drop(s.Context(), "v1"))
	s.create("v1", 2)
	s.switchTo("v2", "v1")
	s.requireSeen("v1", 2)
}

// replace: the staged version's rows and facts take over, with readers or without.
func replace(s *scene) {
	r := s.catalog.(version.Replacer)
	old := s.create("v1", 9)
	s.create("v2", 3)
	s.switchTo("", "v2")
	s.switchTo("v2", "v1")
	for i, staged := range []string{"next", "after"} {
		n := 4 + i
		want := s.create(staged, n)
		require.NoError(s, r.Replace(s.Context(), "v1", staged))
		if s.config.Features.Readers {
			for _, table := range []string{First, Second} {
				got, err := s.target.Read(s, table)
				require.NoError(s, err)
				require.Equal(s, sorted(marked(staged, n)), sorted(got))
			}
		}
		l := s.list()
		require.Len(s, l.Versions, 2)
		got, ok := l.Version("v1")
		require.True(s, ok)
		require.Equal(s, [3]string{"v1", "group-" + staged, want.Definition}, [3]string{got.Name, got.Group, got.Definition})
		require.Equal(s, want.Log, got.Log)
		require.False(s, got.Created.Equal(old.Created), "Created is new")
		require.Equal(s, old.Readers(), got.Readers())
		require.Equal(s, [2]string{"v1", "v2"}, [2]string{l.Current, l.Previous})
		require.ErrorIs(s, s.catalog.Update(s.Context(), old), version.ErrUnknown, "the old version's job learns of it")
	}
	s.switchTo("v1", "v2")
	s.requireSeen("v2", 3)
}

func replaceRefused(s *scene) {
	r := s.catalog.(version.Replacer)
	s.create("v1", 1)
	s.create("v2", 2)
	s.switchTo("", "v1")
	require.ErrorIs(s, r.Replace(s.Context(), "v2", "v3"), version.ErrUnknown)
	require.ErrorIs(s, r.Replace(s.Context(), "v3", "v2"), version.ErrUnknown)
	require.ErrorIs(s, r.Replace(s.Context(), "v2", "v1"), version.ErrCurrent)
	require.Error(s, r.Replace(s.Context(), "v2", "v2"))
	require.Len(s, s.list().Versions, 2)
	s.requireSeen("v1", 1)
}

// rows: all of them, in the order of the key by bytes and by number, in columns with names.
func rows(s *scene) {
	r := s.catalog.(version.Reader)
	records := []Record{
		{"a", 2, "x"}, {"a", 10, "y"}, {"a", -1, ""}, {"B", 0, "null"}, {"Ä", 1, "ü"}, {"a b", 1, "z"}, {"ab", 1, "z"}, {"a_", 1, "z"}, {"", 0, "empty"}, {"é", 7, "😀"}, {"z", 1 << 60, "big"},
	}
	v := s.version("v1")
	if s.target.Fill != nil {
		s.target.Fill(s, v.Tables[s.target.Reader(First)], records)
		s.target.Fill(s, v.Tables[s.target.Reader(Second)], nil)
	}
	_, err := s.catalog.Create(s.Context(), v)
	require.NoError(s, err)

	got, err := r.Rows(s.Context(), "v1", s.target.Reader(First))
	require.NoError(s, err)
	var names []string
	for _, c := range got.Columns {
		names = append(names, c.Name)
	}
	require.ElementsMatch(s, []string{"id", "seq", "text"}, names)
	keys := got.Keys()
	require.Equal(s, []string{"id", "seq"}, []string{names[keys[0]], names[keys[1]]})
	want := sorted(slices.Clone(records))
	i := 0
	for row, err := range got.All {
		require.NoError(s, err)
		require.Less(s, i, len(want))
		at := func(name string) version.Value { return row[slices.Index(names, name)] }
		require.Equal(s, [3]version.Value{version.Text(want[i].ID), version.Int(want[i].Seq), version.Text(want[i].Text)}, [3]version.Value{at("id"), at("seq"), at("text")})
		i++
	}
	require.Equal(s, len(want), i)
	n, err := r.Count(s.Context(), "v1", s.target.Reader(First))
	require.NoError(s, err)
	require.EqualValues(s, len(want), n)

	// Reading may end early.
	got, err = r.Rows(s.Context(), "v1", s.target.Reader(First))
	require.NoError(s, err)
	for _, err := range got.All {
		require.NoError(s, err)
		break
	}
	empty, err := r.Rows(s.Context(), "v1", s.target.Reader(Second))
	require.NoError(s, err)
	for row, err := range empty.All {
		s.Errorf("a row of an empty table: %v, %v", row, err)
	}
	_, err = r.Rows(s.Context(), "v2", s.target.Reader(First))
	require.ErrorIs(s, err, version.ErrUnknown)
	_, err = r.Rows(s.Context(), "v1", "nothing")
	require.ErrorIs(s, err, version.ErrUnknown)
	_, err = r.Count(s.Context(), "v1", "nothing")
	require.ErrorIs(s, err, version.ErrUnknown)
}
