package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/internal/oracle"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// TestExactFromFile runs the job over as many files as partitions, which is what a key's partition then refers to: JSON Lines with Pebble, length-delimited
// protobuf with the memory backend.
func TestExactFromFile(t *testing.T) {
	pebble, memory := pebblestate.Backend(), memorystate.Backend()
	files := map[int]partitionFiles{}
	for _, n := range []int{1, 3, 4} {
		files[n] = splitFile(t, "ecom.jsonl.gz", n)
	}
	for _, c := range []struct {
		gap         int
		partitions  int
		local       bool
		parallelism int
		backend     state.Backend
	}{
		{30, 1, true, 1, memory},
		{30, 3, true, 1, pebble},
		{15, 4, true, 1, pebble},
		{15, 1, true, 1, pebble},
		{30, 4, true, 1, memory},
		{30, 1, false, 1, pebble},
		{15, 1, false, 8, memory},
		{30, 3, false, 2, memory},
		{15, 3, false, 5, pebble},
		{30, 4, false, 3, pebble},
		{30, 4, false, 8, memory},
		{15, 4, false, 4, memory},
		{15, 3, false, 6, memory},
		{30, 1, false, 7, pebble},
	} {
		t.Run(fmt.Sprintf("gap=%d/partitions=%d/local=%t/parallelism=%d/%s", c.gap, c.partitions, c.local, c.parallelism, c.backend), func(t *testing.T) {
			def := Definition{Gap: time.Duration(c.gap) * time.Minute, OutOfOrderness: time.Minute, LocalKeys: c.local}
			job := stream.NewJob("session-analytics", stream.Backend(c.backend), stream.StateDir(t.TempDir()), stream.DefaultParallelism(c.parallelism),
				stream.Logger(slog.New(slog.DiscardHandler)))
			sessions, metrics := memoryTables()
			clicks := file.JSONLines(codec.ProtoJSON[*pb.ClickEvent](), files[c.partitions].json...)
			if c.backend == memory {
				clicks = file.Delimited(codec.Proto[*pb.ClickEvent](), files[c.partitions].delimited...)
			}
			analyze(job, clicks, def, Outputs{Sessions: sessions, Metrics: metrics})
			require.NoError(t, job.Run(context.Background()))
			want := wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", c.gap))
			same(t, want, oracleRows(sessions.Rows()))
			same(t, wantMetrics(want, int64(c.gap)*minute), metricsText(metrics.Rows()))
			require.Zero(t, count(job, "late", "session-analytics"))
		})
	}
}

// TestExactThroughBroker runs the commands as a user would.
func TestExactThroughBroker(t *testing.T) {
	for _, partitions := range []int{1, 3, 4} {
		t.Run(fmt.Sprintf("partitions=%d", partitions), func(t *testing.T) {
			data := t.TempDir()
			do(t, "topic", "create", "--data", data, "--partitions", fmt.Sprint(partitions))
			require.Contains(t, do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "ecom.jsonl.gz")), "Published 31,106 clicks")
			for i, c := range []struct {
				gap         int
				local       bool
				parallelism int
				backend     string
			}{
				{30, true, 1, "pebble"}, {15, true, 1, "memory"}, {15, false, 1 + partitions, "pebble"}, {30, false, 2 * partitions, "memory"},
			} {
				path := filepath.Join(data, fmt.Sprintf("sessions-%d.csv", i))
				messages := do(t, "run", "--data", data, "--until-end", "--group", fmt.Sprint("g", i), "--gap", fmt.Sprintf("%dm", c.gap), "--sink", "csv:"+path,
					fmt.Sprintf("--local-keys=%t", c.local), "--parallelism", fmt.Sprint(c.parallelism), "--backend", c.backend)
				require.Contains(t, messages, "31,106 in")
				want := wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", c.gap))
				same(t, want, csvSessions(t, path))
				same(t, wantMetrics(want, int64(c.gap)*minute), metricsOf(t, csvRows(t, strings.TrimSuffix(path, ".csv")+"-metrics.csv")))
			}
		})
	}
}

// TestHardData meets late, duplicate and touching events, through the broker, with the table that remains and the list of late events.
func TestHardData(t *testing.T) {
	for _, partitions := range []int{1, 4} {
		data := t.TempDir()
		do(t, "topic", "create", "--data", data, "--partitions", fmt.Sprint(partitions))
		do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "hard.jsonl.gz"))
		for _, lateness := range []int{0, 10} {
			for _, local := range []bool{true, false} {
				name := fmt.Sprintf("%dp-lateness%dm", partitions, lateness)
				t.Run(fmt.Sprintf("%s/local=%t", name, local), func(t *testing.T) {
					db := filepath.Join(t.TempDir(), "out.db")
					messages := do(t, "run", "--data", data, "--until-end", "--group", fmt.Sprintf("%s-%t", name, local), "--lateness", fmt.Sprintf("%dm", lateness),
						"--sink", "sqlite:"+db, "--late-sink", "sqlite:"+db, fmt.Sprintf("--local-keys=%t", local), "--parallelism", "3", "--memory", "1MiB",
						"--checkpoint-every", "20ms")
					want := wantSessions(t, "hard-sessions-"+name+".csv.gz")
					same(t, want, sessionsOf(t, sqliteRows(t, db, sessionsV1)))
					same(t, wantMetrics(want, 30*minute), metricsOf(t, sqliteRows(t, db, metricsV1)))
					late, err := oracle.ReadFile(filepath.Join(testdata, "hard-late-"+name+".csv.gz"), oracle.ReadLate)
					require.NoError(t, err)
					same(t, lateText(late), sortedRows(sqliteRows(t, db, lateV1)))
					require.Regexp(t, fmt.Sprintf(`late events +%d,%03d `, len(late)/1000, len(late)%1000), messages)
				})
			}
		}
	}
}

func memoryTables() (*sinkmemory.Table[string, Session], *sinkmemory.Table[int64, HourMetrics]) {
	return sinkmemory.NewTable(sessionRows.Key), sinkmemory.NewTable(func(m HourMetrics) int64 { return m.WindowStart })
}

func oracleRows(sessions []Session) []oracle.SessionRow {
	rows := make([]oracle.SessionRow, len(sessions))
	for i, s := range sessions {
		rows[i] = oracle.SessionRow{
			UserID: s.UserID, Start: s.Start, End: s.End, DurationMs: s.DurationMs, Events: s.Events, AddToCarts: s.AddToCarts, Checkouts: s.Checkouts, Abandoned: s.Abandoned == 1,
		}
	}
	oracle.SortSessions(rows)
	return rows
}

func metricsText(metrics []HourMetrics) [][]string {
	var rows [][]string
	for _, m := range metrics {
		rows = append(rows, []string{
			fmt.Sprint(m.WindowStart), fmt.Sprint(m.Sessions), fmt.Sprint(m.WithCart), fmt.Sprint(m.Abandoned), number(m.AbandonmentRate), number(m.MeanDurationMs),
		})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

func lateText(late []oracle.LateRow) [][]string {
	var rows [][]string
	for _, l := range late {
		rows = append(rows, []string{l.UserID, fmt.Sprint(l.Timestamp), fmt.Sprintf("%s/%d", defaultTopic, l.Partition), fmt.Sprint(l.Offset)})
	}
	return sortedRows(rows)
}

func sortedRows(rows [][]string) [][]string {
	slices.SortFunc(rows, slices.Compare)
	return rows
}

// partitionFiles is a log dealt to files, in two formats.
type partitionFiles struct{ json, delimited []string }

// splitFile deals the lines of a compressed file as a Java producer deals records to partitions.
func splitFile(t testing.TB, name string, n int) (files partitionFiles) {
	t.Helper()
	f, err := os.Open(filepath.Join(testdata, name))
	require.NoError(t, err)
	defer f.Close()
	clicks, err := newClickReader(name, jsonLines, f)
	require.NoError(t, err)
	lines, messages := make([]bytes.Buffer, n), make([]bytes.Buffer, n)
	for {
		click, err := clicks.next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		to := kafka.Murmur2Partition([]byte(click.GetUserId()), int32(n))
		lines[to].Write(clicks.buffer)
		_, err = protodelim.MarshalTo(&messages[to], click)
		require.NoError(t, err)
	}
	dir := t.TempDir()
	for i := range n {
		files.json = append(files.json, filepath.Join(dir, fmt.Sprintf("part-%d.jsonl.gz", i)))
		files.delimited = append(files.delimited, filepath.Join(dir, fmt.Sprintf("part-%d.pb", i)))
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, err := w.Write(lines[i].Bytes())
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(files.json[i], z.Bytes(), 0o644))
		require.NoError(t, os.WriteFile(files.delimited[i], messages[i].Bytes(), 0o644))
	}
	return files
}
