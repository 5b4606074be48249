package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/examples/clickstream/sample"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/pebble"
)

// answer runs the program and returns what it prints on standard output.
func answer(t *testing.T, args ...string) string {
	t.Helper()
	var out output
	messages, err := command(t.Context(), strings.NewReader(""), &out, args...)
	require.NoError(t, err, messages)
	return out.String()
}

func TestStateCommands(t *testing.T) {
	data := t.TempDir()
	dir, saved := filepath.Join(data, "state", "sessions-v1"), filepath.Join(data, "saved")
	do(t, "topic", "create", "--partitions", "1", "--data", data)
	publishLines(t, data, line("ann", 1, "view"), line("ann", 2, "add_to_cart"), line("bob", 50, "view"))
	do(t, "run", "--until-end", "--no-drain", "--data", data)

	list := answer(t, "state", "ls", dir)
	for _, want := range []string{"in a state directory of backend pebble: 2 keys", "session-analytics", "session gap 30m0s", "/0", "1970-01-01T00:48:59.999Z", "all  3 in: 3 used; all accounted for"} {
		require.Contains(t, list, want)
	}
	require.Contains(t, answer(t, "state", "ls", "--json", dir), `"uid": "session-analytics"`)
	one := answer(t, "state", "get", dir, "session-analytics", "bob")
	require.Contains(t, one, `"key": "bob"`)
	require.Contains(t, one, `"event_type": "view"`)
	require.Contains(t, refuse(t, "state", "get", dir, "session-analytics", "ann"), "all its windows are closed")
	hours := answer(t, "state", "scan", dir, "session-metrics")
	require.Contains(t, hours, `"contents":{"sessions":1,"with_cart":1,"abandoned":1,"duration_ms":60000}`)
	require.Empty(t, answer(t, "state", "scan", dir, "session-analytics", "--prefix", "x"))
	all := answer(t, "state", "export", dir)
	require.Equal(t, 2, strings.Count(all, "\n"))
	for l := range strings.Lines(all) {
		require.True(t, json.Valid([]byte(l)), l)
	}

	file := filepath.Join(data, "state.parquet")
	require.Contains(t, do(t, "state", "export", dir, "--out", file), "2 keys, 2 rows.")
	f, err := os.Open(file)
	require.NoError(t, err)
	size, err := f.Stat()
	require.NoError(t, err)
	columns, err := parquet.OpenFile(f, size.Size())
	require.NoError(t, err)
	require.EqualValues(t, 2, columns.NumRows())
	require.NoError(t, f.Close())
	require.Contains(t, refuse(t, "state", "export", dir, "--format", "csv"), "use jsonl or parquet")
	require.Contains(t, refuse(t, "state", "export", dir, "visits", "--out", filepath.Join(data, "none.parquet")), "no such operator")
	require.NoFileExists(t, filepath.Join(data, "none.parquet"))

	require.Contains(t, do(t, "state", "save", dir, saved), "2 keys (session-analytics 1, session-metrics 1)")
	require.Contains(t, do(t, "state", "verify", saved), "is whole")
	require.Contains(t, refuse(t, "state", "save", dir, saved), "nothing is written over")
	require.Equal(t, all, answer(t, "state", "export", saved))
	require.Contains(t, refuse(t, "state", "restore", saved, dir), "move the old state away")
	require.Contains(t, refuse(t, "state", "restore", saved, dir, "--backend", "disk"), "use pebble or memory")
	require.Contains(t, refuse(t, "state", "ls", data), "there is no state and no savepoint here")

	running, err := pebble.Backend().Open(dir, 0)
	require.NoError(t, err)
	_, err = command(t.Context(), strings.NewReader(""), &output{}, "state", "ls", dir)
	require.ErrorIs(t, err, state.ErrLocked)
	require.ErrorContains(t, err, "stop it first")
	require.NoError(t, running.Close())

	// Bob goes on from the savepoint, on the other backend.
	require.NoError(t, os.RemoveAll(dir))
	do(t, "state", "restore", saved, dir, "--backend", "memory")
	require.Contains(t, do(t, "state", "diff", saved, dir), "0 keys came, 0 went, 0 changed.")
	publishLines(t, data, line("bob", 60, "checkout"))
	do(t, "run", "--until-end", "--no-drain", "--data", data, "--backend", "memory")
	var out output
	messages, err := command(t.Context(), strings.NewReader(""), &out, "state", "diff", saved, dir)
	require.NoError(t, err)
	require.Contains(t, messages, "0 keys came, 0 went, 1 changed.")
	require.Contains(t, out.String(), `"event_type":"checkout"`)
	do(t, "run", "--until-end", "--data", data, "--backend", "memory")
	require.Equal(t, [][]string{{"ann", "60000", "120000", "60000", "2", "1", "0", "1"}, {"bob", "3000000", "3600000", "600000", "2", "0", "1", "0"}},
		sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsV1))
}

// A job that is saved, moved to the other backend and run with other tasks ends with the sessions of one that ran through.
func TestSavepointChangesNoSession(t *testing.T) {
	data := t.TempDir()
	dir, saved := filepath.Join(data, "state", "sessions-v1"), filepath.Join(data, "saved")
	unpacked, err := gzip.NewReader(bytes.NewReader(sample.Gzip))
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	clicks := slices.Collect(strings.Lines(string(text)))
	publishLines(t, data, clicks[:len(clicks)/2]...)
	do(t, "run", "--until-end", "--no-drain", "--data", data, "--local-keys=false", "--parallelism", "3")
	do(t, "state", "save", dir, saved)
	require.NoError(t, os.RemoveAll(dir))
	do(t, "state", "restore", saved, dir, "--backend", "memory")
	publishLines(t, data, clicks[len(clicks)/2:]...)
	do(t, "run", "--until-end", "--data", data, "--local-keys=false", "--parallelism", "1", "--backend", "memory")
	same(t, wantSessions(t, "ecom-sessions-30m.csv.gz"), sessionsOf(t, sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsV1)))
}
