package stream_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/source/file"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// A record of many megabytes, between empty ones, is read, kept in the state over a restart, and written.
func TestHugeRecords(t *testing.T) {
	huge := strings.Repeat("0123456789abcdef", nightly.Pick(32, 512)<<20/16)
	path := filepath.Join(t.TempDir(), "records")
	require.NoError(t, os.WriteFile(path, []byte("\n"+huge+"\n\n"), 0o600))
	dir := t.TempDir()
	run := func(opts ...stream.JobOption) []string {
		j := newJob(append([]stream.JobOption{stream.StateDir(dir), stream.Backend(pebblestate.Backend())}, opts...)...)
		lines := stream.From(j, "records", file.Lines(codec.String(), path).WithMaxRecord(len(huge)), watermark.Monotonous(func(string) time.Time { return time.UnixMilli(0) }))
		keyed := stream.KeyBy(lines, func(s string) bool { return s == "" })
		out := to(stream.Reduce(stream.Window(keyed, window.Tumbling(time.Hour)), "all of a kind", func(a, b string) string { return a + b }))
		require.NoError(t, j.Run(t.Context()))
		return out.Rows()
	}
	require.Empty(t, run(stream.NoDrain()))
	rows := run()
	require.Len(t, rows, 2)
	got := rows[0] + rows[1]
	require.Len(t, got, len(huge))
	require.Equal(t, sha256.Sum256([]byte(huge)), sha256.Sum256([]byte(got)))
}
