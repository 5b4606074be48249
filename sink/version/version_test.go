package version_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
)

func TestExtend(t *testing.T) {
	log := []version.Extent{{Split: "t/0", Earliest: 2, From: 2, To: 5}}
	got := version.Extend(log, version.Extent{Split: "t/10", To: 1}, version.Extent{Split: "t/9", To: 1}, version.Extent{Split: "t/0", Earliest: 4, From: 4, To: 8}, version.Extent{Split: "t/9", To: 0})
	require.Equal(t, []version.Extent{{Split: "t/0", Earliest: 2, From: 2, To: 8}, {Split: "t/9", To: 1}, {Split: "t/10", To: 1}}, got)
	require.EqualValues(t, 5, log[0].To, "the argument stays")
	require.EqualValues(t, 8, version.Version{Log: got}.Read())
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"v1", "gap_15m", "2024", "a"} {
		require.NoError(t, version.CheckName(good))
	}
	for _, bad := range []string{"", "_a", "V1", "v-1", "v1;", `"`, "a/b", "..", "ö", "a23456789012345678901234567890123"} {
		require.Error(t, version.CheckName(bad))
	}
}

func TestValues(t *testing.T) {
	sorted := []version.Value{
		{}, version.Bool(false), version.Bool(true), version.Int(-5), version.Int(7), version.Float(-1.5), version.Float(math.Inf(1)),
		version.Text(""), version.Text("B"), version.Text("a"), version.Text("a b"), version.Text("ä"),
	}
	for i, a := range sorted {
		for j, b := range sorted {
			require.Equal(t, i == j, a == b)
			require.Equal(t, i < j, a.Compare(b) < 0, "%s and %s", a, b)
		}
	}
	got, err := json.Marshal(sorted)
	require.NoError(t, err)
	require.JSONEq(t, `[null, false, true, -5, 7, -1.5, "+Inf", "", "B", "a", "a b", "ä"]`, string(got))
	n, ok := version.Int(3).AsInt()
	require.Equal(t, int64(3), n)
	require.True(t, ok)
	require.True(t, version.Value{}.IsNull())

	r := version.Rows{Columns: []version.Column{{Name: "x"}, {Name: "second", Key: 2}, {Name: "first", Key: 1}}}
	require.Equal(t, []int{2, 1}, r.Keys())
	rows := [][]version.Value{{{}, version.Int(1), version.Int(2)}, {{}, version.Int(2), version.Int(1)}}
	slices.SortFunc(rows, func(a, b []version.Value) int { return version.CompareKeys(a, b, r.Keys()) })
	require.Equal(t, version.Int(1), rows[0][2])
}
