//go:build integration

package servers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKafkaStartsStopsAndRestarts(t *testing.T) {
	k, err := StartKafka(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Stop()) })
	require.NoError(t, k.Restart(t.Context()))
	require.NoError(t, k.Kill())
	require.NoError(t, k.Start(t.Context()))
	require.ErrorContains(t, k.Start(t.Context()), "already running")
}
