package savepoint

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/sealed"
	"github.com/millrace/millrace/state"
)

// Any content of a file is read without harm, and as whole only if it matches its checksum.
func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "run.kv")
	w, err := createFile(path)
	require.NoError(f, err)
	require.NoError(f, w.entry([]byte("m1"), []byte("value")))
	require.NoError(f, w.entry([]byte("m2"), nil))
	_, err = w.finish()
	require.NoError(f, err)
	good, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(good, int64(2), int64(len(good)))
	f.Add(append([]byte(magic), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0), int64(1), int64(1)<<62)
	f.Add([]byte(magic), int64(0), int64(8))
	f.Add([]byte(nil), int64(0), int64(-5))
	f.Fuzz(func(t *testing.T, content []byte, entries, size int64) {
		want := File{Name: "run.kv", Entries: entries, Bytes: size, SHA256: sealed.Sum(content)}
		n := int64(0)
		whole, err := readFile(bytes.NewReader(content), section{kind: "run"}, want, func(_, _ []byte) bool { n++; return true })
		if err != nil {
			require.True(t, errors.Is(err, state.ErrCorrupt), "%v", err)
			return
		}
		require.True(t, whole)
		require.Equal(t, entries, n)
		require.EqualValues(t, len(content), size)
	})
}

func TestNamesOfFiles(t *testing.T) {
	for _, s := range []section{{kind: "run"}, {"state", 3, 0, 65535}, {"timers", 65535, 1, 0}} {
		got, ok := parseName(s.name())
		require.True(t, ok, s.name())
		require.Equal(t, s, got)
	}
	for _, name := range []string{"", "run", "../run.kv", "state-1-2.kv", "state-00001-00002.kvx", "state-99999-00001.kv", "timers-00001-300-00001.kv", "state-00001-00002.kv/"} {
		_, ok := parseName(name)
		require.False(t, ok, name)
	}
}
