package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version/files"
)

// partRows reads a directory of parts, in the order of the key.
func partRows(t testing.TB, dir fs.FS) (rows [][]string) {
	t.Helper()
	r, err := files.Rows(t.Context(), dir)
	require.NoError(t, err)
	for values, err := range r.All {
		require.NoError(t, err)
		var row []string
		for _, v := range values {
			row = append(row, v.String())
		}
		rows = append(rows, row)
	}
	return rows
}

// TestDirectories computes the sample into directories of each format, exactly, and compares versions of it.
func TestDirectories(t *testing.T) {
	data := t.TempDir()
	do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "ecom.jsonl.gz"))
	for kind, slash := range map[string]string{"parquet": "", "csv": "/", "jsonl": "/"} {
		root := filepath.Join(data, kind)
		run := []string{"run", "--until-end", "--data", data, "--group", kind, "--sink", kind + ":" + root + slash}
		do(t, run...)
		same(t, wantSessions(t, "ecom-sessions-30m.csv.gz"), sessionsOf(t, partRows(t, os.DirFS(filepath.Join(root, "sessions", "v1")))))
		for _, table := range []string{"sessions", "session_metrics"} {
			require.FileExists(t, filepath.Join(root, table, "v1", "_SUCCESS"))
		}
		run[5] += "-other"
		require.Contains(t, refuse(t, run...), "a result of another run is in the way")
	}
	sink := "parquet:" + filepath.Join(data, "parquet")
	do(t, "run", "--until-end", "--data", data, "--sink", sink, "--version", "v2", "--gap", "15m")
	same(t, wantSessions(t, "ecom-sessions-15m.csv.gz"), sessionsOf(t, partRows(t, os.DirFS(filepath.Join(data, "parquet", "sessions", "v2")))))
	var report strings.Builder
	_, err := command(t.Context(), strings.NewReader(""), &report, "compare", "--data", data, "--sink", sink, "v1", "v2")
	require.Error(t, err, "they differ")
	for _, want := range []string{"3,605", "3,722"} {
		require.Contains(t, report.String(), want)
	}
}
