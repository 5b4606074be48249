package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// A run leaves a history that chart draws, and serves a page while it is kept.
func TestWatchedRun(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"), line("ann", 2, "checkout"), line("bob", 90, "view"))
	run := start(t, "run", "--until-end", "--data", data, "--http", "127.0.0.1:0", "--http-keep")
	url := run.await(t, regexp.MustCompile(`The page stays on (http://127\.0\.0\.1:\d+/)`))[1]
	get := func(path string) string {
		resp, err := http.Get(url + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(body)
	}
	require.Contains(t, get("api/status"), `"title":"clickstream: sessions-v1"`)
	require.Contains(t, get("metrics"), `millrace_records_in_total{job_name="sessions-v1",operator="clicks"} 3`)
	require.Equal(t, "ok: sessions-v1: finished\n", get("readyz"))

	picture := filepath.Join(t.TempDir(), "run.svg")
	require.Contains(t, do(t, "chart", "--data", data, "--out", picture), "Drawn to "+picture)
	svg, err := os.ReadFile(picture)
	require.NoError(t, err)
	require.Contains(t, string(svg), "Throughput of sessions-v1")
	require.Contains(t, refuse(t, "chart", "--data", data, "--out", "run.gif"), "a chart is a .svg or a .png file")
	require.Contains(t, refuse(t, "chart", "--data", data, "--out", picture, "--scale", "cubic"), "use auto, linear or log")
	require.Contains(t, refuse(t, "chart", "--data", t.TempDir(), "--out", picture), "there is no history")
}
