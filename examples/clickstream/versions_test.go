package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/compare"
)

// resultOf runs the program, and returns what it prints as a result and its exit code.
func resultOf(t testing.TB, args ...string) (text string, code int) {
	t.Helper()
	var out output
	messages, err := command(t.Context(), strings.NewReader(""), &out, args...)
	var coded *exitError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case err != nil:
		code = 1
	}
	if err != nil {
		t.Log(messages, err)
	}
	return out.String(), code
}

// twoVersions publishes the sample and computes it for 30 and 15 minutes, as v1 and v2. It returns the flags that name the result.
func twoVersions(t testing.TB, flags ...string) []string {
	data := t.(*testing.T).TempDir()
	flags = append([]string{"--data", data}, flags...)
	do(t, append([]string{"produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz")}, "--data", data)...)
	require.Contains(t, do(t, append([]string{"run", "--until-end"}, flags...)...), "v1; readers of "+readerOf(flags)+" see v1")
	require.Contains(t, do(t, append([]string{"run", "--until-end", "--version", "v2", "--gap", "15m"}, flags...)...), "v2; readers of "+readerOf(flags)+" see v1")
	return flags
}

// readerOf is the readers' name of sessions that the flags ask for.
func readerOf(flags []string) string {
	if m := regexp.MustCompile(`(?:table|index)=([\w.]+)`).FindStringSubmatch(strings.Join(flags, " ")); m != nil {
		return m[1]
	}
	return sessionsTable
}

// storyOfVersions compares, cuts over, rolls back and drops; seen counts what readers of the view see.
func storyOfVersions(t *testing.T, flags []string, seen func() int) {
	run := func(args ...string) []string { return append(args, flags...) }
	require.Equal(t, 3605, seen())

	text, code := resultOf(t, run("compare", "v1", "v2", "--limit", "2")...)
	require.Equal(t, 1, code)
	for _, want := range []string{
		readerOf(flags) + ": v1 has 3,605 rows, v2 has 3,722\n", readerOf(flags) + " became 3,722:\n  3,490 unchanged\n    115 split into 232\n", "3,605 = 3,490 + 115\n3,722 = 3,490 + 232\n",
		"The first 2 differences:", "split  v1  user_0005",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "not read the same part", "both have read all")
	text, code = resultOf(t, run("compare", "v2", "v1", "--json")...)
	require.Equal(t, 1, code)
	var report compare.Report
	require.NoError(t, json.Unmarshal([]byte(regexp.MustCompile(`(?s)"examples".*`).ReplaceAllString(text, `"examples": []}`)), &report))
	require.Equal(t, compare.Reasons{Identical: 3490, Merged: 232, MergedInto: 115}, *report.Reasons)
	_, code = resultOf(t, run("compare", "v1", "v1")...)
	require.Equal(t, 0, code)
	for _, args := range [][]string{{"v1", "v9"}, {"v1"}, {"v1", "v2", "--limit", "-1"}, {"v1", "v2", "--limit", "few"}, {"v1", "v2", "--table", "carts"}} {
		_, code = resultOf(t, run(append([]string{"compare"}, args...)...)...)
		require.Equal(t, 2, code, args)
	}
	metrics := strings.TrimSuffix(readerOf(flags), "s") + "_metrics"
	text, code = resultOf(t, run("compare", "v1", "v2", "--table", metrics)...)
	require.Equal(t, 1, code)
	require.Contains(t, text, "By key (window_start)")

	require.Contains(t, refuse(t, run("cutover", "v2", "--max-changed", "5%")...), "6.23 % of the keys differ between v1 and v2, and --max-changed is 5 %")
	require.Contains(t, refuse(t, run("cutover", "v9")...), "there is no such version")
	require.Contains(t, refuse(t, run("cutover", "v2", "--max-changed", "lots")...), "0% to 100%")
	require.Contains(t, refuse(t, run("rollback")...), "nothing to go back to")
	require.Equal(t, 3605, seen())
	text, code = resultOf(t, run("cutover", "v2")...)
	require.Equal(t, 0, code)
	require.Contains(t, text, "saw v1: 3,605 rows (gap=30m ")
	require.Contains(t, text, "now see v2: 3,722 rows (gap=15m ")
	require.Equal(t, 3722, seen())
	require.Contains(t, refuse(t, run("cutover", "v2")...), "see v2 already")

	begun := time.Now()
	text, code = resultOf(t, run("rollback")...)
	require.Equal(t, 0, code)
	require.Less(t, time.Since(begun), time.Second, "a rollback")
	require.Contains(t, text, "see v1 again, and no more v2")
	require.Equal(t, 3605, seen())

	text, _ = resultOf(t, run("versions")...)
	require.Regexp(t, `\* +│ v1 +│ gap=30m out-of-orderness=1m lateness=0s +│ 3,605 +│ 31,106 +│ 0 +│`, text)
	require.Regexp(t, `< +│ v2 +│ gap=15m out-of-orderness=1m lateness=0s +│ 3,722 +│ 31,106 +│ 0 +│`, text)
	require.Contains(t, refuse(t, run("versions", "drop", "v1")...), "readers see this version")
	require.Contains(t, do(t, run("versions", "drop", "v2")...), "Dropped version v2 (gap=15m ")
	require.Contains(t, refuse(t, run("rollback")...), "nothing to go back to")
	require.Equal(t, 3605, seen())
}

// Where rows come from differs between any two versions, and is not what compare is asked for.
func TestCompareLeavesProvenanceOut(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"), line("ann", 20, "view"), line("bob", 1, "view"))
	do(t, "run", "--data", data, "--until-end", "--provenance")
	do(t, "replay", "--data", data, "--version", "v2", "--provenance")
	do(t, "replay", "--data", data, "--version", "v3") // without the columns
	for _, other := range []string{"v2", "v3"} {
		text, code := resultOf(t, "compare", "v1", other, "--data", data)
		require.Zero(t, code, text)
	}
}

func TestVersionsOfTables(t *testing.T) {
	flags := twoVersions(t)
	db := openSQLite(t, filepath.Join(flags[1], "clickstream.db"))
	storyOfVersions(t, flags, func() (n int) {
		require.NoError(t, db.QueryRow("SELECT count(*) FROM sessions").Scan(&n))
		return n
	})
}

func openSQLite(t *testing.T, path string) *sql.DB {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// TestLagGuard: a version that has not read what was published since is not cut over to, and a comparison says so.
func TestLagGuard(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"), line("ann", 3, "view"))
	do(t, "run", "--until-end", "--no-drain", "--data", data)
	do(t, "run", "--until-end", "--version", "v2", "--data", data)
	publishLines(t, data, line("ann", 5, "view"), line("bob", 5, "view"), line("cid", 5, "view"))
	do(t, "run", "--until-end", "--data", data)
	text, code := resultOf(t, "compare", "v1", "v2", "--data", data)
	require.Equal(t, 1, code)
	require.Contains(t, text, "have not read the same part of the log")
	require.Regexp(t, `raw-clickstream-events/\d: v1 read offsets 0 to \d, v2 offsets 0 to \d`, text)
	got := refuse(t, "cutover", "v2", "--max-lag", "2", "--data", data)
	require.Contains(t, got, "v2 is 3 records behind, and --max-lag is 2")
	require.Contains(t, got, "keys differ")
	require.Contains(t, refuse(t, "cutover", "v2", "--max-lag", "3", "--max-changed", "0%", "--data", data), "keys differ")
	text, code = resultOf(t, "cutover", "v2", "--max-lag", "2", "--force", "--data", data)
	require.Equal(t, 0, code)
	require.Contains(t, text, "now see v2: 1 rows")
}

// TestVersionBelongsToOneGroup: rows of two groups, or of two definitions, are not mixed in one version.
func TestVersionBelongsToOneGroup(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"))
	do(t, "run", "--until-end", "--data", data)
	got := refuse(t, "run", "--until-end", "--group", "other", "--gap", "5m", "--data", data)
	require.Contains(t, got, "version v1 is written by group sessions-v1 (gap=30m ")
	require.NoDirExists(t, filepath.Join(data, "state", "other"))
	do(t, "run", "--until-end", "--version", "v2", "--group", "again", "--data", data)
	do(t, "versions", "drop", "v2", "--data", data)
	require.Contains(t, refuse(t, "run", "--until-end", "--version", "v2", "--group", "again", "--data", data), "group again has state, but version v2 was dropped")
	do(t, "run", "--until-end", "--version", "v2", "--data", data)
	require.Contains(t, refuse(t, "run", "--until-end", "--version", "V3", "--data", data), "lowercase letters")
}

// TestForeignTable: a table of the user's own under the readers' name is left alone.
func TestForeignTable(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"))
	db := openSQLite(t, filepath.Join(data, "clickstream.db"))
	_, err := db.Exec("CREATE TABLE sessions AS SELECT 42 AS mine")
	require.NoError(t, err)
	require.Contains(t, refuse(t, "run", "--until-end", "--data", data), "sessions is a table that this catalog did not make")
	require.Equal(t, [][]string{{"42", "1"}}, sqliteRows(t, filepath.Join(data, "clickstream.db"), "(SELECT mine, 1 FROM sessions)"), "it stays")
}

// TestVersionsOfFiles are in a file of the data directory.
func TestVersionsOfFiles(t *testing.T) {
	data := t.TempDir()
	sink := "csv:" + filepath.Join(data, "sessions-{version}.csv")
	publishLines(t, data, line("ann", 1, "view"))
	for _, name := range []string{"v1", "v2"} {
		do(t, "run", "--until-end", "--data", data, "--sink", sink, "--version", name)
		require.FileExists(t, filepath.Join(data, "sessions-"+name+".csv"))
		require.FileExists(t, filepath.Join(data, "sessions-"+name+"-metrics.csv"))
	}
	text, code := resultOf(t, "versions", "--json", "--data", data, "--sink", sink)
	require.Equal(t, 0, code)
	var list []listed
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	require.Len(t, list, 2)
	require.Equal(t, filepath.Join(data, "sessions-v2.csv"), list[1].Tables["sessions"])
	require.Nil(t, list[1].Rows)
	require.EqualValues(t, 0, *list[1].Lag)
	require.True(t, list[1].CaughtUp)
	_, code = resultOf(t, "compare", "v1", "v2", "--data", data, "--sink", sink)
	require.Equal(t, 2, code)
	require.Contains(t, refuse(t, "cutover", "v3", "--data", data, "--sink", sink), "no such version")
	require.Contains(t, refuse(t, "run", "--until-end", "--data", data, "--group", "k", "--version", "v2", "--sink", "kafka:results"), "kafka:results-{version}")
}

// TestDroppedVersionEndsItsJob drops the version of a live job, which then stops in order and makes no table again.
func TestDroppedVersionEndsItsJob(t *testing.T) {
	data := t.TempDir()
	db := openSQLite(t, filepath.Join(data, "clickstream.db"))
	do(t, "topic", "create", "--partitions", "1", "--data", data)
	broker := start(t, "broker", "--data", data)
	broker.await(t, regexp.MustCompile("serves"))
	publishLines(t, data, line("ann", 1, "view"), line("bob", 50, "view"))
	do(t, "run", "--until-end", "--no-drain", "--data", data)
	job := start(t, "run", "--data", data, "--version", "v2", "--checkpoint-every", "50ms", "--progress-every", "20ms")
	job.reach(t, 2)
	require.Eventually(t, func() bool { return len(rowsIfAny(t, db, "sessions_v2")) == 1 }, 20*time.Second, 10*time.Millisecond)
	do(t, "versions", "drop", "v2", "--data", data)
	publishLines(t, data, line("cid", 200, "view"))
	job.await(t, regexp.MustCompile("Version v2 was dropped or replaced, so its job has stopped"))
	<-job.read
	require.NoError(t, job.cmd.Wait(), job.text)
	require.Nil(t, rowsIfAny(t, db, "sessions_v2"), "the table stays away")
	require.Len(t, rowsIfAny(t, db, "sessions"), 1, "readers see what they saw")
}

// rowsIfAny are a table's first column; nil where there is no table.
func rowsIfAny(t *testing.T, db *sql.DB, name string) (rows []string) {
	rs, err := db.QueryContext(context.Background(), "SELECT user_id FROM "+name)
	if err != nil {
		require.ErrorContains(t, err, "no such table")
		return nil
	}
	defer rs.Close()
	rows = []string{}
	for rs.Next() {
		var s string
		require.NoError(t, rs.Scan(&s))
		rows = append(rows, s)
	}
	require.NoError(t, rs.Err())
	return rows
}

// TestKillRollback kills the program while it moves readers: they see the version that the catalog says, always.
func TestKillRollback(t *testing.T) {
	flags := twoVersions(t)
	do(t, append([]string{"cutover", "v2"}, flags...)...)
	db := openSQLite(t, filepath.Join(flags[1], "clickstream.db"))
	killRollbacks(t, flags, func() (n int) {
		require.NoError(t, db.QueryRow("SELECT count(*) FROM sessions").Scan(&n))
		return n
	})
}

func killRollbacks(t *testing.T, flags []string, seen func() int) {
	const kills = 15
	seed := uint64(time.Now().UnixNano())
	t.Logf("times of the kills are made from seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var longest time.Duration // what one takes on this machine now: the first ones are not killed
	moved, killed := 0, 0
	for i := range kills {
		before := seen()
		begun := time.Now()
		p := start(t, append([]string{"rollback"}, flags...)...)
		if i >= 2 {
			kill := time.AfterFunc(longest/2+time.Duration(random.Int64N(int64(longest))), func() { _ = p.cmd.Process.Kill() })
			defer kill.Stop()
		}
		<-p.read
		if p.cmd.Wait() == nil {
			longest = time.Since(begun)
		} else {
			killed++
		}
		text, code := resultOf(t, append([]string{"versions", "--json"}, flags...)...)
		require.Equal(t, 0, code)
		var list []listed
		require.NoError(t, json.Unmarshal([]byte(text), &list))
		require.Len(t, list, 2)
		for i, rows := range []int{3605, 3722} {
			require.Equal(t, list[i].Current, seen() == rows, "%s is %v, and readers see %d rows", list[i].Name, list[i], seen())
			require.NotEqual(t, list[i].Current, list[i].Previous)
		}
		if seen() != before {
			moved++
		}
	}
	require.GreaterOrEqual(t, moved, 2)
	t.Logf("%d of %d rollbacks were killed, %d moved the readers", killed, kills, moved)
}

func TestLag(t *testing.T) {
	l := topicLog{{Split: "t/0", From: 10, To: 100}, {Split: "t/1", To: 50}, {Split: "t/2"}}
	require.EqualValues(t, 140, l.lag(nil))
	require.EqualValues(t, 70, l.lag([]version.Extent{{Split: "t/0", To: 30}, {Split: "t/1", To: 60}, {Split: "other/0", To: 7}}))
}

func TestShare(t *testing.T) {
	for text, want := range map[string]float64{"10%": 0.1, "0.1": 0.1, "0": 0, "100%": 1, "2.5%": 0.025} {
		got, err := parseShare(text)
		require.NoError(t, err)
		require.InDelta(t, want, got, 1e-12)
	}
	for _, text := range []string{"", "%", "101%", "10", "-1", "NaN", "ten"} {
		_, err := parseShare(text)
		require.Error(t, err)
	}
}

func TestDefinitionInWords(t *testing.T) {
	require.Equal(t, "gap=30m out-of-orderness=1m30s lateness=2h", fmt.Sprint(Definition{Gap: 30 * time.Minute, OutOfOrderness: 90 * time.Second, Lateness: 2 * time.Hour}))
	require.Equal(t, "gap=0s out-of-orderness=1h5m lateness=10s", fmt.Sprint(Definition{OutOfOrderness: 65 * time.Minute, Lateness: 10 * time.Second}))
}
