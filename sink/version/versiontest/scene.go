package versiontest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
)

// scene is one test's destination and a catalog on it.
type scene struct {
	*testing.T
	config  Config
	target  Target
	catalog version.Catalog
}

func newScene(t *testing.T, c Config) *scene {
	s := &scene{T: t, config: c, target: c.New(t)}
	s.catalog = s.open()
	return s
}

// open opens another catalog on the same destination.
func (s *scene) open() version.Catalog {
	c := s.target.Open(s)
	s.Cleanup(func() { require.NoError(s, c.Close()) })
	return c
}

// version is one as a job would record it.
func (s *scene) version(name string) version.Version {
	return version.Version{
		Name: name,
		Tables: map[string]string{
			s.target.Reader(First):  s.target.Place(First, name),
			s.target.Reader(Second): s.target.Place(Second, name),
		},
		Definition: `gap=15m0s "quoted"`, Job: "sessions", Group: "group-" + name,
		Log: []version.Extent{{Split: "clicks/0", Incarnation: "abc", Earliest: 3, From: 5, To: 9}, {Split: "clicks/10", From: 0, To: 1 << 40}},
	}
}

// marked are rows that carry a version's name.
func marked(name string, n int) []Record {
	records := make([]Record, n)
	for i := range records {
		records[i] = Record{ID: fmt.Sprint("id", i%3), Seq: int64(i), Text: name}
	}
	return records
}

// create fills the places of a version and records it.
func (s *scene) create(name string, n int) version.Version {
	s.Helper()
	v := s.version(name)
	if s.target.Fill != nil {
		for _, place := range v.Tables {
			s.target.Fill(s, place, marked(name, n))
		}
	}
	v, err := s.catalog.Create(s.Context(), v)
	require.NoError(s, err)
	return v
}

func (s *scene) list() version.Listing {
	s.Helper()
	l, err := s.catalog.List(s.Context())
	require.NoError(s, err)
	return l
}

func (s *scene) switchTo(from, to string) {
	s.Helper()
	require.NoError(s, s.catalog.Switch(s.Context(), from, to))
}

// requireSeen compares what readers see of both tables with a version's n rows.
func (s *scene) requireSeen(name string, n int) {
	s.Helper()
	if !s.config.Features.Readers {
		return
	}
	for _, table := range []string{First, Second} {
		got, err := s.target.Read(s, table)
		require.NoError(s, err)
		require.Equal(s, sorted(marked(name, n)), sorted(got), "what readers of %s see", table)
	}
}

func sorted(records []Record) []Record {
	slices.SortFunc(records, func(a, b Record) int {
		if n := strings.Compare(a.ID, b.ID); n != 0 {
			return n
		}
		return int(a.Seq - b.Seq)
	})
	return records
}

// requireVersion compares facts, without what the catalog sets.
func (s *scene) requireVersion(want, got version.Version) {
	s.Helper()
	want.Created, want.Updated, got.Created, got.Updated = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	require.Equal(s, want, got)
}
