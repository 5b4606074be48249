package file

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/table"
)

func textFormat() *format.Text[string] {
	return format.CSV(table.Of(table.Text("a", func(s string) string { return s }), table.Text("b", func(s string) string { return s })))
}

// TestFailedWriteAddsNothing plays a full disk by a handle that cannot write, and goes on when there is room again.
func TestFailedWriteAddsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	root, err := os.OpenRoot(filepath.Dir(path))
	require.NoError(t, err)
	defer root.Close()
	o, err := createOutput(root, "x")
	require.NoError(t, err)
	f := textFormat()
	require.NoError(t, add(o, f, []sink.Row[string]{{Value: "kept"}}))
	writable := o.file
	o.file, err = os.Open(path)
	require.NoError(t, err)
	large := []sink.Row[string]{{Value: strings.Repeat("x", flushBytes)}}
	require.Error(t, add(o, f, large))
	require.Error(t, o.sync())
	require.NoError(t, o.file.Close())
	o.file = writable
	// What a failed write may leave behind the counted end:
	_, err = writable.WriteAt(bytes.Repeat([]byte("garbage"), flushBytes), 0)
	require.NoError(t, err)
	require.NoError(t, add(o, f, []sink.Row[string]{{Value: "after"}}))
	require.NoError(t, o.sync())
	require.NoError(t, o.close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "kept,kept\nafter,after\n", string(got))
	require.NoError(t, verifyWhole(root, "x", o.length, o.sum))
}

func FuzzPending(f *testing.F) {
	f.Add([]byte(`{"length":1,"crc32c":2,"last":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePending(data)
		if err != nil {
			return
		}
		encoded, err := p.encode()
		require.NoError(t, err)
		again, err := decodePending(encoded)
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}
