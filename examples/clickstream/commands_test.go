package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protodelim"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/sample"
)

// line is a click of a user at a minute, as JSON.
func line(user string, at int64, kind string) string {
	return fmt.Sprintf(`{"user_id":%q,"event_type":%q,"event_timestamp":%d}`+"\n", user, kind, at*minute)
}

// publishLines publishes JSON Lines from standard input.
func publishLines(t testing.TB, data string, lines ...string) {
	t.Helper()
	messages, err := command(t.Context(), strings.NewReader(strings.Join(lines, "")), io.Discard, "produce", "--in", "-", "--data", data)
	require.NoError(t, err, messages)
}

func TestDemo(t *testing.T) {
	data := filepath.Join(t.TempDir(), "demo")
	for range 2 { // a second demo begins anew
		messages := do(t, "demo", "--data", data)
		for _, want := range []string{"31,106 in", "3,605 of 600 users", "mean 17m19.55s, median 14m29s", "61.25 % (743 of 1,213", "late events       0 ", "31,106 in: 31,106 used; all accounted for", "Next, on the same clicks"} {
			require.Contains(t, messages, want)
		}
	}
	same(t, wantSessions(t, "ecom-sessions-30m.csv.gz"), sessionsOf(t, sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsV1)))
}

func TestDemoRefusesForeignDirectory(t *testing.T) {
	data := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(data, "precious"), nil, 0o644))
	require.Contains(t, refuse(t, "--data", data), "no demo made")
	require.FileExists(t, filepath.Join(data, "precious"))
}

func TestDemoRefusesDirectoryInUse(t *testing.T) {
	data := filepath.Join(t.TempDir(), "demo")
	do(t, "demo", "--data", data)
	broker := start(t, "broker", "--data", data)
	broker.await(t, regexp.MustCompile("serves"))
	require.Contains(t, refuse(t, "demo", "--data", data), "another process uses")
}

func TestSampleIsWhatItSays(t *testing.T) {
	clicks, err := newClickReader(sample.Name, "", bytes.NewReader(sample.Gzip))
	require.NoError(t, err)
	n := 0
	for {
		if _, err := clicks.next(); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		n++
	}
	require.Equal(t, sample.Events, n)
}

// TestFinishedGroup runs a group again that has read to the end: it says so, and refuses what came later.
func TestFinishedGroup(t *testing.T) {
	data := t.TempDir()
	run := []string{"run", "--until-end", "--data", data, "--sink", "csv:" + filepath.Join(data, "s.csv")}
	publishLines(t, data, line("ann", 1, "view"))
	do(t, run...)
	require.Contains(t, do(t, run...), "is finished")
	require.Len(t, csvSessions(t, filepath.Join(data, "s.csv")), 1)
	publishLines(t, data, line("ann", 2, "view"))
	require.Contains(t, refuse(t, run...), "takes no more clicks")
	require.Contains(t, refuse(t, append(run, "--gap", "15m")...), "begun with another definition")
	require.Contains(t, refuse(t, append(run, "--group", "other")...), "a result is never overwritten")
}

// TestNoDrainGoesOn keeps a session open over the end of the topic, and finishes it with what comes later.
func TestNoDrainGoesOn(t *testing.T) {
	data := t.TempDir()
	db := filepath.Join(data, "clickstream.db")
	publishLines(t, data, line("ann", 1, "add_to_cart"))
	messages := do(t, "run", "--until-end", "--no-drain", "--data", data)
	require.Contains(t, messages, "still open")
	require.Empty(t, sqliteRows(t, db, sessionsV1))
	publishLines(t, data, line("ann", 20, "checkout"))
	messages = do(t, "run", "--until-end", "--data", data, "--from", "latest")
	require.Contains(t, messages, "Group sessions-v1 has saved state and goes on from there")
	require.Equal(t, [][]string{{"ann", "60000", "1200000", "1140000", "2", "1", "1", "0"}}, sqliteRows(t, db, sessionsV1))
}

// TestStopAndGoOn stops a live job in order and lets another one go on.
func TestStopAndGoOn(t *testing.T) {
	data := t.TempDir()
	db := filepath.Join(data, "clickstream.db")
	do(t, "topic", "create", "--partitions", "1", "--data", data)
	publishLines(t, data, line("ann", 1, "view"), line("bob", 50, "view"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	live, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan string)
	go func() {
		messages, err := command(live, strings.NewReader(""), io.Discard, "run", "--data", data)
		ended <- fmt.Sprint(messages, err)
	}()
	require.Eventually(t, func() bool {
		_, err := os.Stat(db)
		return err == nil && len(sqliteRowsIfAny(t, db)) == 1
	}, 20*time.Second, 10*time.Millisecond, "ann's session is over when bob's click comes")
	stop()
	messages := <-ended
	require.Contains(t, messages, "Stopped in order. To go on where it was:")
	require.True(t, strings.HasSuffix(messages, "<nil>"), messages)
	do(t, "run", "--until-end", "--data", data)
	require.Len(t, sqliteRows(t, db, sessionsV1), 2)
}

func TestFrom(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"), line("bob", 100, "view"), line("cid", 200, "view"))
	for from, want := range map[string]int{"earliest": 3, "latest": 0, "committed": 3, "1970-01-01T01:40:00Z": 2} {
		path := filepath.Join(t.TempDir(), "s.csv")
		do(t, "run", "--until-end", "--data", data, "--group", strings.ReplaceAll(from, ":", "."), "--from", from, "--sink", "csv:"+path)
		require.Len(t, csvSessions(t, path), want, from)
	}
	require.Contains(t, refuse(t, "run", "--data", data, "--from", "yesterday"), "--from yesterday: use earliest")
}

func TestSinks(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "add_to_cart"))
	path := filepath.Join(data, "s.jsonl")
	do(t, "run", "--until-end", "--data", data, "--group", "j", "--sink", "jsonl:"+path)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, `{"user_id":"ann","session_start":60000,"session_end":60000,"duration_ms":0,"events":1,"add_to_carts":1,"checkouts":0,"abandoned":1}`+"\n", string(text))
	text, err = os.ReadFile(filepath.Join(data, "s-metrics.jsonl"))
	require.NoError(t, err)
	require.Equal(t, `{"window_start":0,"sessions":1,"with_cart":1,"abandoned":1,"abandonment_rate":1,"mean_duration_ms":0}`+"\n", string(text))

	var out output
	messages, err := command(t.Context(), nil, &out, "run", "--until-end", "--data", data, "--group", "p", "--sink", "print:")
	require.NoError(t, err, messages)
	require.Contains(t, out.String(), `user_id="ann" session_start=60000`)
	require.Contains(t, out.String(), "window_start=0 sessions=1")

	messages = do(t, "run", "--until-end", "--data", data, "--group", "k", "--sink", "kafka:results")
	require.Contains(t, messages, "Created topic results with 4 partitions")
	require.Contains(t, messages, "Created topic results-metrics")
	messages = do(t, "run", "--until-end", "--data", data, "--group", "exact", "--sink", "kafka:once?exactly-once")
	require.Contains(t, messages, "Created topic once with 4 partitions")
	require.Contains(t, messages, "topic once, exactly once")
	require.Contains(t, refuse(t, "run", "--until-end", "--data", data, "--group", "k2", "--sink", "kafka:"+defaultTopic), "topic of the clicks")
}

func TestProduceFormats(t *testing.T) {
	var delimitedFile, jsonFile bytes.Buffer
	for i := range int64(3) {
		_, err := protodelim.MarshalTo(&delimitedFile, &pb.ClickEvent{UserId: "ann", EventTimestamp: (i + 1) * minute, Properties: map[string]string{"a": "b"}})
		require.NoError(t, err)
	}
	jsonFile.WriteString(`{"userId":"ann","eventTimestamp":"60000"}` + "\r\n\n" + line("ann", 2, "view") + strings.TrimSuffix(line("ann", 3, "view"), "\n"))
	for name, content := range map[string]*bytes.Buffer{"clicks.pb": &delimitedFile, "clicks.jsonl": &jsonFile, "clicks.pb.gz": &delimitedFile} {
		data := t.TempDir()
		path := filepath.Join(data, name)
		text := content.Bytes()
		if strings.HasSuffix(name, ".gz") {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, err := w.Write(text)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			text = z.Bytes()
		}
		require.NoError(t, os.WriteFile(path, text, 0o644))
		require.Contains(t, do(t, "produce", "--in", path, "--data", data, "--rate", "1000"), "Published 3 clicks")
		do(t, "run", "--until-end", "--data", data)
		require.Equal(t, [][]string{{"ann", "60000", "180000", "120000", "3", "0", "0", "0"}}, sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsV1), name)
	}
}

func TestProduceBadLines(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(data, "clicks.jsonl")
	text := line("ann", 1, "view") + `{"user_id":"ann","event_timestamp":"soon"}` + "\n" + `{"user_id":"ann"}` + "\n\n" + `{"event_timestamp":1}` + "\n" +
		`{"user_id":"ann","event_timestamp":1,"colour":"red"}` + "\nnot json\n" + line("bob", 2, "view")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	got := refuse(t, "produce", "--in", path, "--data", data)
	require.Contains(t, got, "clicks.jsonl, line 2: ")
	require.Contains(t, got, `column 36: invalid value for int64 field event_timestamp: "soon"`)
	require.Contains(t, got, "--skip-bad")
	messages := do(t, "produce", "--in", path, "--data", data, "--skip-bad", "--topic", "other")
	require.Contains(t, messages, "Published 2 clicks to other")
	require.Contains(t, messages, "Skipped 5 that are not clicks")

	clicks, err := newClickReader(path, "", strings.NewReader(text))
	require.NoError(t, err)
	var where []string
	for {
		_, err := clicks.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			where = append(where, err.Error())
		}
	}
	for i, want := range []string{"line 2: ", "line 3: field event_timestamp is missing", "line 5: field user_id is missing", "line 6: ", "line 7: "} {
		require.Contains(t, where[i], want)
	}
	require.Contains(t, where[3], `unknown field "colour"`)
	require.Contains(t, where[4], "not JSON: column 1")
}

func TestClickReaderIsBounded(t *testing.T) {
	for f, text := range map[format]string{jsonLines: strings.Repeat(" ", maxClick+2), delimited: "\xff\xff\xff\xff\x0f", "": "\x1f\x8bnot gzip"} {
		clicks, err := newClickReader("x", f, strings.NewReader(text))
		if err == nil {
			_, err = clicks.next()
		}
		require.Error(t, err)
		require.NotErrorIs(t, err, io.EOF)
	}
	clicks, err := newClickReader("x.pb", "", strings.NewReader("\x05abc"))
	require.NoError(t, err)
	_, err = clicks.next()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = newClickReader("x", "xml", strings.NewReader(""))
	require.ErrorContains(t, err, "use jsonl or delimited")
}

func TestPace(t *testing.T) {
	p, begun := newPace(1000), time.Now()
	for range 50 {
		require.NoError(t, p.wait(t.Context()))
	}
	require.GreaterOrEqual(t, time.Since(begun), 40*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, newPace(0).wait(ctx), context.Canceled)
}

func TestTopicCreate(t *testing.T) {
	data := t.TempDir()
	require.Contains(t, do(t, "topic", "create", "--data", data, "--partitions", "3"), "Created topic raw-clickstream-events with 3 partitions")
	require.Contains(t, do(t, "topic", "create", "--data", data, "--partitions", "3"), "is there already")
	require.Contains(t, refuse(t, "topic", "create", "--data", data, "--partitions", "4"), "has 3, 4 were asked for")
	require.Contains(t, refuse(t, "topic", "create", "--data", data, "--partitions", "0"), "at least one")
}

func TestWrongFlags(t *testing.T) {
	data := t.TempDir()
	for want, args := range map[string][]string{
		"--group":                     {"run", "--group", "../x"},
		"--gap 0s must be above zero": {"run", "--gap", "0"},
		"use it with --until-end":     {"run", "--no-drain"},
		"--memory lots":               {"run", "--memory", "lots"},
		"--backend disk":              {"run", "--backend", "disk"},
		"--log-level loud":            {"run", "--log-level", "loud"},
		"CheckpointEvery":             {"run", "--checkpoint-every", "0"},
		"sink ftp:x: use sqlite:PATH": {"run", "--sink", "ftp:x"},
		"--rate -1":                   {"produce", "--in", "-", "--rate", "-1"},
		"no such file":                {"produce", "--in", filepath.Join(data, "missing.jsonl")},
		"unknown command":             {"walk"},
	} {
		if len(args) > 1 {
			args = append(args, "--data", data)
		}
		require.Contains(t, refuse(t, args...), want)
	}
}

func TestHelpNamesEverything(t *testing.T) {
	for _, name := range []string{"demo", "run", "produce", "topic", "broker"} {
		var out output
		_, err := command(t.Context(), nil, &out, name, "--help")
		require.NoError(t, err)
		require.Contains(t, out.String(), "Usage:")
	}
}
