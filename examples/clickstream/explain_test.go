package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/internal/screen"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/explain"
)

// someUsers is so many users of expected rows, those with the most late clicks first.
func someUsers(n int, sessions []oracle.SessionRow, late []oracle.LateRow) []string {
	count := map[string]int{}
	for _, s := range sessions {
		count[s.UserID]++
	}
	for _, l := range late {
		count[l.UserID] += 1000
	}
	var users []string
	for u := range count {
		users = append(users, u)
	}
	slices.SortFunc(users, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	// Half of them from the head, the others spread over the rest.
	some := users[:n/2]
	for i := range n - n/2 {
		some = append(some, users[n/2+i*(len(users)-n/2)/(n-n/2)])
	}
	return some
}

// TestExplainIsExact explains users of the hard data and of the shop: the sessions and late clicks are those that the job gives.
func TestExplainIsExact(t *testing.T) {
	p := &program{logLevel: "warn", screen: screen.New(io.Discard)}
	check := func(t *testing.T, files partitionFiles, o explainOptions, sessions []oracle.SessionRow, late []oracle.LateRow, users int) {
		for _, user := range someUsers(users, sessions, late) {
			life, err := p.life(t.Context(), user, o, file.Delimited(codec.Proto[*pb.ClickEvent](), files.delimited...))
			require.NoError(t, err)
			var got []Session
			for _, w := range life.Windows {
				if !w.Provisional {
					require.Len(t, w.Rows, 1)
					got = append(got, w.Rows...)
				}
			}
			same(t, slices.DeleteFunc(slices.Clone(sessions), func(s oracle.SessionRow) bool { return s.UserID != user }), oracleRows(got))
			same(t, lateOf(late, user), lateSteps(files, life))
			events := 0
			for _, s := range life.Steps {
				if s.Record != nil {
					require.NotEmpty(t, s.Decisions)
					events++
				}
			}
			clicks := int64(life.Late)
			for _, s := range got {
				clicks += s.Events
			}
			require.EqualValues(t, clicks, events, "each click is in a session or late")
		}
	}
	definition := Definition{Gap: 30 * time.Minute, OutOfOrderness: time.Minute, LocalKeys: true}
	for _, partitions := range []int{1, 4} {
		files := splitFile(t, "hard.jsonl.gz", partitions)
		for _, lateness := range []int{0, 10} {
			name := fmt.Sprintf("%dp-lateness%dm", partitions, lateness)
			sessions := wantSessions(t, "hard-sessions-"+name+".csv.gz")
			late, err := oracle.ReadFile(filepath.Join(testdata, "hard-late-"+name+".csv.gz"), oracle.ReadLate)
			require.NoError(t, err)
			for _, local := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/local=%t", name, local), func(t *testing.T) {
					o := explainOptions{definition: definition, parallelism: 1}
					o.definition.Lateness = time.Duration(lateness) * time.Minute
					users := 14
					if o.definition.LocalKeys = local; !local {
						o.parallelism, users = 3, 4
					}
					check(t, files, o, sessions, late, users)
				})
			}
		}
	}
	for _, gap := range []int{15, 30} {
		t.Run(fmt.Sprintf("ecom-%dm", gap), func(t *testing.T) {
			o := explainOptions{definition: definition, parallelism: 1}
			o.definition.Gap = time.Duration(gap) * time.Minute
			check(t, splitFile(t, "ecom.jsonl.gz", 3), o, wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", gap)), nil, 8)
		})
	}
}

func lateOf(all []oracle.LateRow, user string) (late []oracle.LateRow) {
	for _, l := range all {
		if l.UserID == user {
			late = append(late, l)
		}
	}
	slices.SortFunc(late, func(a, b oracle.LateRow) int { return cmp.Compare(a.Offset, b.Offset) })
	return late
}

// lateSteps are the late clicks of a life. The records of a file are numbered from 1, those of a topic from 0.
func lateSteps(files partitionFiles, life *explain.Life[clickNote, Session]) (late []oracle.LateRow) {
	for _, s := range life.Steps {
		for _, d := range s.Decisions {
			if d.Kind == "late" {
				late = append(late, oracle.LateRow{UserID: life.Key, Timestamp: s.Record.Timestamp, Partition: slices.Index(files.delimited, s.Record.Split), Offset: s.Record.Offset - 1})
			}
		}
	}
	return late
}

// explained runs the command and returns what it prints.
func explained(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	messages, err := command(t.Context(), strings.NewReader(""), &out, append([]string{"explain"}, args...)...)
	require.NoError(t, err, messages)
	return out.String() + messages
}

func TestExplainCommand(t *testing.T) {
	data := t.TempDir()
	do(t, "topic", "create", "--data", data, "--partitions", "2")
	publishLines(t, data, line("ann", 1000, "view"), line("ann", 1010, "add_to_cart"), line("ann", 1100, "view"), line("ann", 1005, "view"), line("ann", 1120, "view"))
	db := filepath.Join(data, "clickstream.db")
	do(t, "run", "--data", data, "--until-end", "--no-drain", "--provenance")
	rows := sqliteRows(t, db, "sessions_v1")
	require.Len(t, rows, 1)

	text := explained(t, "ann", "--data", data)
	for _, want := range []string{
		"ann: 5 records in raw-clickstream-events/", "; 1 session, 1 open; 1 late",
		"opens the session [1970-01-01 16:40:00.000, 17:10:00.000)",
		"emits the session [1970-01-01 16:40:00.000, 17:20:00.000) of 2 records",
		"late by 59m0s: the session [1970-01-01 16:40:00.000, 17:20:00.000) was closed when the watermark reached 1970-01-01 18:18:59.999",
		"2 events, 1 carts, 0 checkouts, abandoned; " + rows[0][9] + ", id " + rows[0][10],
		"Open: session [1970-01-01 18:20:00.000, 19:10:00.000), 2 records",
		"It is emitted when the watermark is 1970-01-01 19:10:00.000.",
		"its watermark is 1970-01-01 18:38:59.999, 31m0.001s short, at its end, offset 5.",
		"with a time of 1970-01-01 19:11:00.001 or later",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "\x1b")
	require.Contains(t, explained(t, "ann", "--data", data, "--colour", "always"), "\x1b[31mlate by")

	// The whole topic holds back what one partition does not: the other one is empty.
	text = explained(t, "ann", "--data", data, "--local-keys=false", "--parallelism", "3")
	require.Contains(t, text, "emits the session [1970-01-01 16:40:00.000, 17:20:00.000) of 2 records")
	require.Regexp(t, `raw-clickstream-events/[01] holds it: no record of it has moved event time, up to its end at offset 0\.`, text)

	var out bytes.Buffer
	_, err := command(t.Context(), strings.NewReader(""), &out, "explain", "ann", "--data", data, "--json")
	require.NoError(t, err)
	var life explain.Life[clickNote, Session]
	require.NoError(t, json.Unmarshal(out.Bytes(), &life))
	require.Len(t, life.Windows, 2)
	require.Equal(t, rows[0][10], life.Windows[0].Rows[0].ResultID)
	require.Len(t, life.Windows[1].Waits.HeldBy, 1)

	require.Contains(t, explained(t, "ann", "--data", data, "--lateness", "2h"), "joins the session")
	require.Contains(t, explained(t, "nobody", "--data", data), "No click of nobody is in what was read.")
	require.Contains(t, explained(t, "ann", "--data", data, "--to", "1970-01-01T17:00:00Z"), "ann: 2 records")
	require.Contains(t, explained(t, "ann", "--data", data, "--from", "1970-01-01T18:00:00Z"), "ann: 3 records")
	require.NoDirExists(t, filepath.Join(data, "history", "ann.jsonl"))
	require.Len(t, sqliteRows(t, db, "sessions_v1"), 1)
}

func TestExplainRefuses(t *testing.T) {
	data := t.TempDir()
	require.Contains(t, refuse(t, "explain", "ann", "--data", data), "raw-clickstream-events")
	require.Contains(t, refuse(t, "explain", "ann", "--data", data, "--gap", "0s"), "--gap")
	require.Contains(t, refuse(t, "explain", "ann", "--data", data, "--from", "yesterday"), "--from yesterday")
	require.Contains(t, refuse(t, "explain", "ann", "--data", data, "--to", "tomorrow"), "--to tomorrow")
	require.Contains(t, refuse(t, "explain", "ann", "--data", data, "--colour", "red"), "--colour red")
	require.Error(t, func() error {
		_, err := command(context.Background(), strings.NewReader(""), io.Discard, "explain")
		return err
	}())
}

// TestProvenanceColumns writes them to a table, a CSV file and JSON Lines: the same for any shape of the job, and one id for a session in two versions.
func TestProvenanceColumns(t *testing.T) {
	data := t.TempDir()
	db := filepath.Join(data, "clickstream.db")
	do(t, "topic", "create", "--data", data, "--partitions", "3")
	do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "hard.jsonl.gz"))
	do(t, "run", "--data", data, "--until-end", "--provenance", "--lateness", "10m")
	rows := sqliteRows(t, db, "sessions_v1")
	ids := map[string]bool{}
	bare := make([][]string, len(rows))
	for i, r := range rows {
		require.Len(t, r, 11)
		require.Equal(t, "v1", r[8])
		require.Regexp(t, regexp.MustCompile(`^raw-clickstream-events/[0-2]:\d+(-\d+)?$`), r[9])
		ids[r[10]] = true
		bare[i] = append(slices.Clone(r[:8]), r[9:]...)
	}
	require.Len(t, ids, len(rows))
	do(t, "run", "--data", data, "--until-end", "--provenance", "--lateness", "10m", "--version", "v2", "--local-keys=false", "--parallelism", "3", "--backend", "memory", "--checkpoint-every", "20ms")
	again := sqliteRows(t, db, "sessions_v2")
	for i, r := range again {
		require.Equal(t, "v2", r[8])
		again[i] = append(slices.Clone(r[:8]), r[9:]...)
	}
	same(t, bare, again)
	sameHours(t, sqliteRows(t, db, "session_metrics_v1"), sqliteRows(t, db, "session_metrics_v2"), rows)
	path := filepath.Join(data, "s.csv")
	do(t, "run", "--data", data, "--until-end", "--provenance", "--group", "csv", "--sink", "csv:"+path)
	for _, r := range csvRows(t, path)[:50] {
		require.Len(t, r, 11)
		require.Regexp(t, "^[0-9a-f]{32}$", r[10])
	}
}

// sameHours compares the hours of two versions, which differ in nothing but the version, and the place of each hour with those of the sessions in it.
func sameHours(t *testing.T, first, second, sessions [][]string) {
	t.Helper()
	var want stream.Ranges
	for _, s := range sessions {
		want = want.Cover(stream.Ranges{rangeOf(t, s[9])})
	}
	var all stream.Ranges
	for i, hour := range first {
		require.Len(t, hour, 9)
		require.Equal(t, "v1", hour[6])
		require.Equal(t, "v2", second[i][6])
		require.Equal(t, slices.Concat(hour[:6], hour[7:]), slices.Concat(second[i][:6], second[i][7:]))
		for _, text := range strings.Split(hour[7], ",") {
			all = all.Cover(stream.Ranges{rangeOf(t, text)})
		}
	}
	require.Len(t, second, len(first))
	require.Equal(t, want.String(), all.String(), "every session is in an hour")
}

// rangeOf reads a place such as clicks/3:100-250.
func rangeOf(t *testing.T, text string) stream.Range {
	m := regexp.MustCompile(`^(.+):(\d+)(?:-(\d+))?$`).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	first, err := strconv.ParseInt(m[2], 10, 64)
	require.NoError(t, err)
	last := first
	if m[3] != "" {
		last, err = strconv.ParseInt(m[3], 10, 64)
		require.NoError(t, err)
	}
	return stream.Range{Split: m[1], First: first, Last: last}
}
