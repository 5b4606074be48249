package local_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/local"
	"github.com/millrace/millrace/sink/version/versiontest"
)

func TestConformance(t *testing.T) {
	versiontest.Run(t, versiontest.Config{New: func(t *testing.T) versiontest.Target {
		path := filepath.Join(t.TempDir(), "new", "versions.json")
		return versiontest.Target{
			Open:   func(testing.TB) version.Catalog { return local.Open(path, "sessions") },
			Place:  func(table, version string) string { return table + "-" + version + ".csv" },
			Reader: func(table string) string { return table },
		}
	}})
}

func one(name, place string) version.Version {
	return version.Version{Name: name, Tables: map[string]string{"sessions": place}}
}

func TestResultsOfOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "versions.json")
	sessions, carts := local.Open(path, "sessions"), local.Open(path, "carts")
	_, err := sessions.Create(t.Context(), one("v1", "a"))
	require.NoError(t, err)
	_, err = carts.Create(t.Context(), one("v1", "a"))
	require.ErrorIs(t, err, version.ErrTaken)
	_, err = carts.Create(t.Context(), one("v1", "b"))
	require.NoError(t, err)
	require.NoError(t, carts.Switch(t.Context(), "", "v1"))
	l, err := sessions.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, l.Current)
}

func TestRemove(t *testing.T) {
	var removed []string
	c := local.Open(filepath.Join(t.TempDir(), "versions.json"), "sessions", local.Remove(func(_ context.Context, place string) error {
		removed = append(removed, place)
		return nil
	}))
	_, err := c.Create(t.Context(), one("v1", "a"))
	require.NoError(t, err)
	require.NoError(t, c.Drop(t.Context(), "v1"))
	require.Equal(t, []string{"a"}, removed)
}

func TestForeignFileStays(t *testing.T) {
	for _, text := range []string{"not json", `{"format":"millrace-versions/9"}`, `{"hello":1}`} {
		path := filepath.Join(t.TempDir(), "versions.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := local.Open(path, "sessions").Create(t.Context(), one("v1", "a"))
		require.ErrorContains(t, err, path)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(after))
	}
}
