package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/pebble"
)

// TestCheckpoints loses a group's state in the middle of the sample, restores it by the commands, and ends with the exact sessions.
func TestCheckpoints(t *testing.T) {
	data := t.TempDir()
	do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "ecom.jsonl.gz"))
	kept := filepath.Join(t.TempDir(), "kept")
	run := []string{"run", "--until-end", "--data", data, "--sink", "csv:" + filepath.Join(data, "s") + "/", "--checkpoints", kept, "--checkpoints-every", "5ms", "--checkpoint-every", "5ms"}
	do(t, append(run, "--no-drain")...)
	dir := filepath.Join(data, "state", "sessions-v1")
	place := filepath.Join(kept, "sessions-v1")
	takeCheckpoint(t, dir, place) // one at the end, however fast the run was

	print := func(args ...string) string {
		var out strings.Builder
		_, err := command(t.Context(), strings.NewReader(""), &out, append([]string{"checkpoints"}, args...)...)
		require.NoError(t, err)
		return out.String()
	}
	listed := print("ls", place)
	require.Contains(t, listed, "pebble")
	var shown checkpoint.Manifest
	require.NoError(t, json.Unmarshal([]byte(print("show", place, "latest")), &shown))
	require.Equal(t, jobName, shown.Job)
	require.NotEmpty(t, shown.Splits)
	require.NoError(t, os.RemoveAll(dir))
	print("verify", place, "latest")
	print("restore", place, "latest", dir)
	require.Contains(t, refuse(t, "checkpoints", "restore", place, "latest", dir), "move the old state away")
	require.Contains(t, refuse(t, "checkpoints", "verify", place, "zero"), "is no checkpoint")
	require.Contains(t, refuse(t, "checkpoints", "ls", filepath.Join(data, "nothing")), "no such checkpoint")
	require.Contains(t, refuse(t, "checkpoints", "ls", "s3://bucket/a?colour=red"), "colour")
	do(t, run...)
	same(t, wantSessions(t, "ecom-sessions-30m.csv.gz"), sessionsOf(t, partRows(t, os.DirFS(filepath.Join(data, "s", "sessions", "v1")))))
	print("rm", place, strings.Fields(listed)[0])
}

func takeCheckpoint(t *testing.T, dir, place string) {
	t.Helper()
	store, err := pebble.Backend().Open(dir, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	_, err = checkpoint.NewKeeper(checkpoint.Directory(place)).Take(t.Context(), runtime.ImageMoment{
		Job: jobName, Backend: "pebble", StateDir: dir, Store: store, Now: time.Now(), Hold: func(_ context.Context, f func() error) error { return f() },
	})
	require.NoError(t, err)
}
