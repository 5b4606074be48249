package local_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/local"
)

// FuzzFile takes any bytes for a file of versions. It is refused with its name and stays as it is, or it can be listed and changed.
func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"format":"millrace-versions/1","results":{"sessions":{"current":"v1","previous":"","versions":[{"name":"v1","tables":{"t":"p"}}]}}}`))
	f.Add([]byte(`{"format":"millrace-versions/1","results":{"sessions":{"current":"gone","versions":null},"other":{"versions":[{}]}}}`))
	f.Add([]byte(`{"format":"millrace-versions/2"}`))
	f.Add([]byte(`{"format":"millrace-versions/1","results":null}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "versions.json")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		c := local.Open(path, "sessions")
		l, err := c.List(t.Context())
		added := version.Version{Name: "added", Tables: map[string]string{"t": "a place of its own"}}
		_, created := c.Create(t.Context(), added)
		if err != nil {
			require.ErrorContains(t, err, path)
			require.Error(t, created)
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, content, left)
			return
		}
		if created != nil {
			return // the name or place is taken
		}
		again, err := c.List(t.Context())
		require.NoError(t, err)
		require.Len(t, again.Versions, len(l.Versions)+1)
		require.Equal(t, l.Current, again.Current)
	})
}
