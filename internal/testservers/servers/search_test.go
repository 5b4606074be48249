//go:build integration

package servers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSearchStartsStopsAndRestarts(t *testing.T) {
	s, err := StartSearch(t.Context(), OpenSearch, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	require.ErrorContains(t, s.Start(t.Context()), "already running")
	require.NoError(t, s.Kill())
	require.NoError(t, s.Stop())
	require.NoError(t, s.Start(t.Context()))
}
