//go:build integration

package chaos

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDifferencesAreCounted(t *testing.T) {
	a, b, c := row{"a", "1"}, row{"b", "2"}, row{"c", "3"}
	losses, duplicates, examples := difference([]row{a, b}, []row{b, a})
	require.Zero(t, losses+duplicates)
	require.Empty(t, examples)
	losses, duplicates, examples = difference([]row{a, a, a, {"b", "3"}}, []row{a, b, c})
	require.EqualValues(t, 2, losses)
	require.EqualValues(t, 3, duplicates)
	require.Len(t, examples, 2)
}
