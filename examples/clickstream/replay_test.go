package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/oracle"
)

// exactTables compares a version's two tables in a SQLite file with the exact sessions for a gap in minutes.
func exactTables(t testing.TB, db, name string, want []oracle.SessionRow, gap int64) {
	t.Helper()
	exactRows(t, func(table string) [][]string { return sqliteRows(t, db, table) }, "_"+name, want, gap)
}

// exactRows compares sessions and metrics, whose names end in suffix, with the exact sessions for a gap in minutes.
func exactRows(t testing.TB, rows func(table string) [][]string, suffix string, want []oracle.SessionRow, gap int64) {
	t.Helper()
	same(t, want, sessionsOf(t, rows("sessions"+suffix)))
	same(t, wantMetrics(want, gap*minute), metricsOf(t, rows("session_metrics"+suffix)))
}

// A replay with another gap beside the running job: each version comes out exactly, and the job notices nothing.
func TestReplayBesideLive(t *testing.T) {
	data := t.TempDir()
	db := filepath.Join(data, "clickstream.db")
	broker := start(t, "broker", "--data", data)
	broker.await(t, regexp.MustCompile(`serves`))
	do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "ecom.jsonl.gz"))
	live := start(t, "run", "--data", data, "--progress-every", "10ms", "--checkpoint-every", "50ms")
	live.reach(t, 31_106)

	messages := do(t, "replay", "--data", data, "--version", "v2", "--gap", "15m", "--catch-up-checkpoint-every", "20ms")
	require.Contains(t, messages, "3,722")
	require.Contains(t, messages, "v2; readers of sessions see v1")
	exactTables(t, db, "v2", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)

	require.Contains(t, refuse(t, "replay", "--data", data, "--version", "v1", "--in-place", "--gap", "15m"), "is running: stop it first")
	require.NoError(t, live.cmd.Process.Signal(os.Interrupt))
	<-live.read
	require.NoError(t, live.cmd.Wait(), live.text)
	do(t, "run", "--data", data, "--until-end") // closes the last sessions
	exactTables(t, db, "v1", wantSessions(t, "ecom-sessions-30m.csv.gz"), 30)
}

// Half of the clicks are history, the other half comes while the replay is live: it goes from the one to the other without a gap, with other settings.
func TestReplayFollows(t *testing.T) {
	for _, local := range []bool{true, false} {
		t.Run(fmt.Sprintf("local=%t", local), func(t *testing.T) {
			data := t.TempDir()
			broker := start(t, "broker", "--data", data)
			broker.await(t, regexp.MustCompile(`serves`))
			replayFollows(t, local, "--data", data)
			exactTables(t, filepath.Join(data, "clickstream.db"), "v2", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)
		})
	}
}

// replayFollows publishes half of the sample, replays it, publishes the other half when the replay is live, kills it when it has read that, and closes the sessions.
func replayFollows(t *testing.T, local bool, flags ...string) {
	cluster := clusterOf(flags)
	first, second := halves(t, "ecom.jsonl.gz")
	do(t, append([]string{"produce", "--in", first}, cluster...)...)
	version := append([]string{"--version", "v2", "--gap", "15m", fmt.Sprintf("--local-keys=%t", local)}, flags...)
	replay := append([]string{"replay", "--follow", "--progress-every", "10ms"}, version...)
	if !local {
		replay = append(replay, "--parallelism", "2", "--catch-up-parallelism", "5")
	}
	p := start(t, replay...)
	p.await(t, regexp.MustCompile(`goes on with the live topic`))
	do(t, append([]string{"produce", "--in", second}, cluster...)...)
	p.reach(t, 31_106)
	p.kill(t) // and not stopped in order
	do(t, append([]string{"run", "--until-end", "--parallelism", "3"}, version...)...)
}

// clusterOf are the flags among flags that say where the topic is; each has a value.
func clusterOf(flags []string) (cluster []string) {
	for i := 0; i < len(flags); i += 2 {
		if slices.Contains([]string{"--data", "--brokers", "--topic"}, flags[i]) {
			cluster = append(cluster, flags[i], flags[i+1])
		}
	}
	return cluster
}

// halves writes the lines of a file of clicks into two.
func halves(t *testing.T, name string) (first, second string) {
	lines := linesOf(t, filepath.Join(testdata, name))
	dir := t.TempDir()
	first, second = filepath.Join(dir, "first.jsonl"), filepath.Join(dir, "second.jsonl")
	half := len(lines) / 2
	require.NoError(t, os.WriteFile(first, slices.Concat(lines[:half]...), 0o644))
	require.NoError(t, os.WriteFile(second, slices.Concat(lines[half:]...), 0o644))
	return first, second
}

func linesOf(t *testing.T, path string) [][]byte {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return slices.Collect(bytes.Lines(text))
}

// A replay that is killed at random places and started again comes to the same rows.
func TestReplayKilled(t *testing.T) {
	dir := t.TempDir()
	data, input := filepath.Join(dir, "data"), filepath.Join(dir, "clicks.jsonl")
	log := loggen.Config{Seed: 7, Events: killEvents, Users: killEvents / 8, Length: killEvents * 72}
	f, err := os.Create(input)
	require.NoError(t, err)
	require.NoError(t, loggen.WriteJSONLines(f, log.All()))
	require.NoError(t, f.Close())
	broker := start(t, "broker", "--data", data)
	broker.await(t, regexp.MustCompile(`serves`))
	do(t, "topic", "create", "--data", data, "--partitions", "4")
	do(t, "produce", "--data", data, "--in", input)

	replay := []string{"replay", "--data", data, "--version", "v2", "--gap", "15m", "--memory", "1MiB", "--checkpoint-every", "10ms", "--progress-every", "2ms"}
	seed := uint64(time.Now().UnixNano())
	t.Logf("places of the kills are made from seed %d", seed)
	for _, place := range places(rand.New(rand.NewPCG(seed, 0)), int64(log.Events))[:5] {
		p := start(t, replay...)
		p.reach(t, place)
		p.kill(t)
	}
	require.Contains(t, do(t, replay...), "goes on where it was")
	want, err := oracle.Final(loggen.Split(log.All(), 4, loggen.ByUser), oracle.Params{Gap: 15 * minute, Bound: minute})
	require.NoError(t, err)
	exactTables(t, filepath.Join(data, "clickstream.db"), "v2", want.Sessions(), 15)
}

// A version is computed anew in its own place: see inPlaceBothWays.
func TestReplayInPlace(t *testing.T) {
	data := t.TempDir()
	do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "ecom.jsonl.gz"))
	require.Contains(t, refuse(t, "replay", "--data", data, "--version", "v1", "--in-place"), "there is no version v1")
	inPlaceBothWays(t, func(table string) [][]string { return sqliteRows(t, filepath.Join(data, "clickstream.db"), table) }, "--data", data)
}

// inPlaceBothWays replaces v1 with a narrower and with a wider gap: no row of the old definition stays, in its tables or in what readers see, and its group goes on.
func inPlaceBothWays(t *testing.T, rows func(table string) [][]string, flags ...string) {
	run := func(args ...string) string { return do(t, append(args, flags...)...) }
	run("run", "--until-end")
	for i, gap := range []int64{15, 30} {
		messages := run("replay", "--version", "v1", "--in-place", "--gap", fmt.Sprintf("%dm", gap))
		require.Regexp(t, fmt.Sprintf(`Its group is \S+\.%d\.`, i+2), messages)
		want := wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", gap))
		exactRows(t, rows, "_v1", want, gap)
		exactRows(t, rows, "", want, gap) // as readers see it
	}
	entries, err := os.ReadDir(filepath.Join(flags[slices.Index(flags, "--data")+1], "state"))
	require.NoError(t, err)
	require.Len(t, entries, 1, "the state of what was replaced is gone")

	run("replay", "--version", "v1", "--in-place", "--gap", "15m", "--no-drain")
	require.Less(t, len(rows("sessions")), 3722, "the last sessions are open")
	run("run", "--gap", "15m", "--until-end")
	exactRows(t, rows, "_v1", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)
}

// A dry run tells how long it would take, and leaves nothing behind.
func TestDryRun(t *testing.T) {
	data := t.TempDir()
	do(t, "produce", "--data", data, "--in", filepath.Join(testdata, "ecom.jsonl.gz"))
	before := tree(t, data)
	for _, flags := range [][]string{{"--slice", "50%"}, {"--slice", "1"}, {"--from", "2024-02-01T00:00:00Z", "--to", "2024-04-01T00:00:00Z"}} {
		messages := do(t, append([]string{"replay", "--data", data, "--version", "v2", "--gap", "15m", "--dry-run", "--rate", "100000"}, flags...)...)
		require.Contains(t, messages, "nothing was written")
		require.Contains(t, messages, "of the topic's 31,106")
		require.Regexp(t, `rows +about \d,\d{3} `, messages)
	}
	require.Equal(t, before, tree(t, data))
	for _, slice := range []string{"0", "0%", "101%", "x", "-1%"} {
		require.Contains(t, refuse(t, "replay", "--data", data, "--version", "v2", "--dry-run", "--slice", slice), "--slice "+slice)
	}
}

// tree lists the files of a directory but for the broker's, which writes as it likes.
func tree(t *testing.T, dir string) (names []string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if d.IsDir() && d.Name() == "broker" {
			return filepath.SkipDir
		}
		names = append(names, path)
		return err
	}))
	return names
}

// A replay is held to its rate, and refused when the log no longer has what another version was computed from.
func TestReplayOfACutLog(t *testing.T) {
	flags := ownBroker(t)
	do(t, append([]string{"produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz")}, flags...)...)
	do(t, append([]string{"run", "--until-end"}, flags...)...)
	require.NoError(t, admin(t, flags).DeleteRecords(defaultTopic, map[int32]int64{2: 100}))
	replay := append([]string{"replay", "--version", "v2", "--gap", "15m"}, flags...)
	message := refuse(t, replay...)
	for _, want := range []string{"version v1 was computed from clicks that are no longer there", "partition 2 was read from offset 0 and begins at 100 now: 100 records are gone", "--allow-cut-history"} {
		require.Contains(t, message, want)
	}
	require.Contains(t, do(t, append(replay, "--allow-cut-history")...), "31,006 in")
}

func TestReplayFlags(t *testing.T) {
	for flags, want := range map[string][]string{
		"to without dry run": {"--version", "v2", "--to", "2024-02-01T00:00:00Z"},
		"follow in place":    {"--version", "v2", "--follow", "--in-place"},
		"follow dry":         {"--version", "v2", "--follow", "--dry-run"},
		"rate":               {"--version", "v2", "--rate", "-1"},
		"bytes":              {"--version", "v2", "--rate-bytes", "lots"},
		"no version":         {"--gap", "15m"},
		"no topic":           {"--version", "v2"},
	} {
		t.Run(flags, func(t *testing.T) { refuse(t, append([]string{"replay", "--data", t.TempDir()}, want...)...) })
	}
}
