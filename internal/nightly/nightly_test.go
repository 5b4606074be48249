package nightly

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiguresAddUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures")
	t.Setenv(FiguresVariable, path)
	Record(t, Figures{Part: "kill", Cycles: 2, Faults: map[string]int64{"cut": 1}})
	Record(t, Figures{Part: "seeds", Seeds: 7})
	Record(t, Figures{Part: "kill", Cycles: 3, Events: 5, Faults: map[string]int64{"cut": 2, "slow": 1}})
	all, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, []Figures{
		{Part: "kill", Cycles: 5, Events: 5, Faults: map[string]int64{"cut": 3, "slow": 1}},
		{Part: "seeds", Seeds: 7},
	}, all)
	require.NoError(t, os.WriteFile(path, []byte("{\"part\":\"a\"}\nnonsense\n"), 0o600))
	_, err = Read(path)
	require.ErrorContains(t, err, "line 2")
}

func TestPick(t *testing.T) {
	t.Setenv(Variable, "")
	require.Equal(t, 20, Pick(20, 200))
	t.Setenv(Variable, "1")
	require.Equal(t, 200, Pick(20, 200))
}
