package parts

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	n := Name{Subtask: 3, Number: 12, Ext: ".csv.gz"}
	require.Equal(t, "part-00003-0000000012.csv.gz", n.String())
	got, ok := ParseName(n.String())
	require.True(t, ok)
	require.Equal(t, n, got)
	for _, s := range []string{"", "part-", "part-3-12.csv", "part-00003-0000000012", "part-0000x-0000000012.csv", "_SUCCESS", "part-00003-0000000012.csv/x"} {
		got, ok := ParseName(s)
		require.Equal(t, ok, ok && got.String() == s, s)
	}
}

// FuzzCheckPath: a path that passes stays below its root and is what it seems.
// FuzzStored takes any text for a path below a location, which cannot lead out of it, and any bytes for what a checkpoint keeps of a Writer.
func FuzzStored(f *testing.F) {
	const pending = `{"run":"a","subtask":1,"number":2,"parts":[{"name":"part-00001-0000000002.csv","length":1}]}`
	for _, s := range []string{"", "a", "a/b-1/c_d.e", "..", "a/../../b", "/a", "a//b", "a/", ".a", "_a", "a\x00", "a\\b", "ü"} {
		f.Add(s, []byte(pending))
	}
	f.Add("a", []byte(`{"run":"a","number":9,"parts":[{"name":"../x","length":1}]}`))
	f.Fuzz(func(t *testing.T, s string, data []byte) {
		requirePending(t, data)
		if CheckPath("path", s) != nil || s == "" {
			return
		}
		joined := path.Join("/top", s)
		require.Equal(t, "/top/"+s, joined)
		require.False(t, strings.Contains(joined, "/."))
	})
}

func requirePending(t *testing.T, data []byte) {
	t.Helper()
	p, err := decodePending(data)
	if err != nil {
		return
	}
	for _, part := range p.Parts {
		require.Equal(t, part.Name, path.Base(part.Name))
	}
	encoded, err := p.encode()
	require.NoError(t, err)
	again, err := decodePending(encoded)
	require.NoError(t, err)
	require.Equal(t, p.Run, again.Run)
}
