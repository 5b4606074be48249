//go:build integration

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
)

// clicksInAll are those of the sample.
const clicksInAll = 31_106

// realLog is a topic of Apache Kafka with the groups of one test's own.
type realLog struct {
	topic string
	flags []string // where the topic and the data directory are
}

// newRealLog makes a topic that keeps its history, and sees that it does.
func newRealLog(t *testing.T) realLog {
	t.Helper()
	name := fmt.Sprintf("clicks-%d", time.Now().UnixNano())
	l := realLog{name, []string{"--brokers", server(t, "MILLRACE_TEST_KAFKA"), "--topic", name, "--data", t.TempDir()}}
	do(t, l.args("topic", "create", "--partitions", "4", "--retention", "forever")...)
	do(t, l.args("topic", "check", "--partitions", "4", "--retention", "forever")...)
	return l
}

// args are the arguments of a command about the log.
func (l realLog) args(command ...string) []string { return append(command, l.flags...) }

// as are args for a command that computes a version: in a group that no other test has.
func (l realLog) as(version string, command ...string) []string {
	return l.args(append(command, "--version", version, "--group", l.topic+"-"+version)...)
}

// TestKappa takes a topic with both versions of the event, plain and framed by a schema registry, through the whole of a change of definition, as a user would: a
// replay beside the live job, killed twice, a cutover that readers watch, clicks that come after it, a rollback, and the end of the old version with its job.
func TestKappa(t *testing.T) {
	registry, run, log := ondemand.Need(t, "registry")["url"], newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES")), newRealLog(t)
	rows := func(table string) [][]string { return run.rows(t, table) }
	wide, narrow := wantSessions(t, "ecom-sessions-30m.csv.gz"), wantSessions(t, "ecom-sessions-15m.csv.gz")
	framed := []string{"--registry", registry}
	publishMixed(t, filepath.Join(testdata, "ecom.jsonl.gz"), log.flags[1:2], log.args(framed...)...)
	do(t, append([]string{"schema", "check", "registry:" + log.topic + "-value", "compiled", "--transitive", "--mode", "full"}, framed...)...)

	compute := append(slices.Clip(framed), "--accept-plain", "--sink", run.sink(), "--checkpoint-every", "100ms")
	live := start(t, append(log.as("v1", "run", "--progress-every", "50ms"), compute...)...)
	live.reach(t, clicksInAll)

	replay := append(log.as("v2", "replay", "--gap", "15m", "--rate", "15000", "--catch-up-checkpoint-every", "30ms", "--progress-every", "5ms"), compute...)
	seed := uint64(time.Now().UnixNano())
	t.Logf("places of the kills are made from seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, percent := range []int64{20 + random.Int64N(25), 55 + random.Int64N(25)} {
		p := start(t, replay...)
		at := p.reach(t, clicksInAll*percent/100)
		p.kill(t)
		t.Logf("killed at click %d of %d", at, clicksInAll)
		require.Less(t, at, int64(clicksInAll), "the kill came too late to tell anything")
	}
	require.Contains(t, do(t, replay...), "goes on where it was")
	exactRows(t, rows, "_v2", narrow, 15)

	flags := []string{"--sink", run.sink()}
	watching := watchViews(t, run, "v1", "v2")
	do(t, log.args(append([]string{"cutover", "v2"}, flags...)...)...)
	watching.saw(t, "v2")

	// The old version's job goes on: clicks of the next night close its last sessions.
	publishNight(t, log.args(append([]string{"produce", "--in", "-"}, framed...)...))
	require.Eventually(t, func() bool {
		return len(rows(metricsV1)) == len(wantMetrics(wantSessions(t, "ecom-sessions-30m.csv.gz"), 30*minute)) && len(rows(sessionsV1)) == 3605
	},
		30*time.Second, 100*time.Millisecond, "%v", live.text)
	exactRows(t, rows, "_v1", wide, 30)

	watching = watchViews(t, run, "v2", "v1")
	begun := time.Now()
	do(t, append([]string{"rollback"}, flags...)...)
	took := time.Since(begun)
	watching.saw(t, "v1")
	t.Logf("rolled back in %s", took)
	require.Less(t, took, time.Second, "a rollback")
	exactRows(t, rows, "", wide, 30)

	do(t, append([]string{"rollback"}, flags...)...) // forth again
	do(t, append([]string{"versions", "drop", "v1"}, flags...)...)
	select {
	case <-live.read:
	case <-time.After(30 * time.Second):
		t.Fatalf("the job of a version that was dropped does not end:\n%s", live.text)
	}
	require.NoError(t, live.cmd.Wait(), live.text)
	require.NotContains(t, live.text.String(), "level=", "it has run without trouble up to then")
	require.Contains(t, live.text.String(), "Version v1 was dropped or replaced, so its job has stopped")
	exactRows(t, rows, "", narrow, 15)
	require.Equal(t, [][]string{{"session_metrics_v2"}, {"sessions_v2"}}, run.query(t, `SELECT tablename::text FROM pg_tables WHERE schemaname = '`+run.schema()+`' AND tablename LIKE '%\_v_' ORDER BY 1`))
}

// TestReplayFollowsKafka goes from the history of a real topic to what is published meanwhile.
func TestReplayFollowsKafka(t *testing.T) {
	for _, local := range []bool{true, false} {
		t.Run(fmt.Sprintf("local=%t", local), func(t *testing.T) {
			run, log := newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES")), newRealLog(t)
			replayFollows(t, local, append(log.flags, "--group", log.topic, "--sink", run.sink())...)
			exactRows(t, func(table string) [][]string { return run.rows(t, table) }, "_v2", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)
		})
	}
}

// TestReplayInPlaceInPostgres replaces the rows of a real database, with both gaps.
func TestReplayInPlaceInPostgres(t *testing.T) {
	run, log := newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES")), newRealLog(t)
	do(t, log.args("produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz"))...)
	inPlaceBothWays(t, func(table string) [][]string { return run.rows(t, table) }, log.args("--sink", run.sink())...)
}

// TestReplayFollowsKilled kills a replay that follows at any time while clicks are published: in history, at the hand-over, and live.
func TestReplayFollowsKilled(t *testing.T) {
	run, log := newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES")), newRealLog(t)
	first, second := halves(t, "ecom.jsonl.gz")
	do(t, log.args("produce", "--in", first)...)
	published := make(chan error, 1)
	go func() {
		_, err := command(t.Context(), strings.NewReader(""), io.Discard, log.args("produce", "--in", second, "--rate", "5000")...)
		published <- err
	}()
	version := log.as("v2", "--gap", "15m", "--sink", run.sink(), "--checkpoint-every", "30ms")
	replay := append([]string{"replay", "--follow", "--progress-every", "5ms"}, version...)
	seed := uint64(time.Now().UnixNano())
	t.Logf("times of the kills are made from seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	live := 0
	for range 5 {
		p := start(t, replay...)
		time.Sleep(100*time.Millisecond + time.Duration(random.Int64N(int64(900*time.Millisecond))))
		p.kill(t)
		if strings.Contains(p.text.String(), "goes on with the live topic") {
			live++
		}
	}
	t.Logf("%d of 5 kills were after the hand-over", live)
	require.NoError(t, <-published)
	p := start(t, replay...)
	p.reach(t, clicksInAll)
	p.kill(t)
	do(t, append([]string{"run", "--until-end"}, version...)...)
	exactRows(t, func(table string) [][]string { return run.rows(t, table) }, "_v2", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)
}

// TestReplayInPlaceKilled kills replays in place at any time, also while the rows are exchanged: readers see all of the old definition or all of the new one, and
// the same command comes to the new one.
func TestReplayInPlaceKilled(t *testing.T) {
	run, log := newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES")), newRealLog(t)
	rows := func(table string) [][]string { return run.rows(t, table) }
	do(t, log.args("produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz"))...)
	flags := log.args("--sink", run.sink())
	do(t, append([]string{"run", "--until-end"}, flags...)...)
	seed := uint64(time.Now().UnixNano())
	t.Logf("times of the kills are made from seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	took := 2 * time.Second // what one takes on this machine now
	gaps := []int64{30, 15}
	const rounds = 4
	killed := 0
	for round := range rounds {
		old, gap := gaps[round%2], gaps[(round+1)%2]
		replay := append([]string{"replay", "--version", "v1", "--in-place", "--gap", fmt.Sprintf("%dm", gap), "--checkpoint-every", "30ms"}, flags...)
		begun := time.Now()
		p := start(t, replay...)
		kill := time.AfterFunc(took/4+time.Duration(random.Int64N(int64(took))), func() { _ = p.cmd.Process.Kill() })
		<-p.read
		if p.cmd.Wait() == nil {
			took = time.Since(begun)
		} else {
			killed++
			require.Equal(t, -1, p.cmd.ProcessState.ExitCode(), "not by the kill: %s", p.text)
		}
		kill.Stop()
		switch n := len(rows(sessionsTable)); n {
		case 3605:
			exactRows(t, rows, "", wantSessions(t, "ecom-sessions-30m.csv.gz"), 30)
		case 3722:
			exactRows(t, rows, "", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)
		default:
			t.Fatalf("readers see %d sessions on the way from a gap of %d minutes to %d", n, old, gap)
		}
		do(t, replay...)
		exactRows(t, rows, "_v1", wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", gap)), gap)
		exactRows(t, rows, "", wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", gap)), gap)
	}
	t.Logf("%d of %d were killed", killed, rounds)
}

// publishNight publishes clicks of many users, so some in each partition, at one time hours after the sample.
func publishNight(t *testing.T, produce []string) {
	t.Helper()
	var lines strings.Builder
	for i := range 64 {
		lines.WriteString(line(fmt.Sprintf("night_%d", i), 1719698560000/minute+5*60, "view"))
	}
	messages, err := command(t.Context(), strings.NewReader(lines.String()), io.Discard, produce...)
	require.NoError(t, err, messages)
}

// views reads the readers' two views again and again, in one statement and in two of one transaction, while they are moved from one version to another.
type views struct {
	before, after string
	stop          chan struct{}
	done          chan struct{}
	seen          map[string]int // by what the reader saw: a version's name, or a description of a mixture
	err           error
}

// watchViews starts a reader. The tables of the versions must not change while it reads.
func watchViews(t *testing.T, run postgresRun, before, after string) *views {
	t.Helper()
	v := &views{before: before, after: after, stop: make(chan struct{}), done: make(chan struct{}), seen: map[string]int{}}
	db, err := pgx.Connect(t.Context(), run.dsn)
	require.NoError(t, err)
	hash := func(table string) string {
		return "(SELECT md5(string_agg(r::text, '|' ORDER BY r::text)) FROM " + run.table(table) + " r)"
	}
	contents := func(ctx context.Context, suffix string) (sessions, metrics string, err error) {
		err = db.QueryRow(ctx, "SELECT "+hash(sessionsTable+suffix)+", "+hash("session_metrics"+suffix)).Scan(&sessions, &metrics)
		return
	}
	inTransaction := func(ctx context.Context) (sessions, metrics string, err error) {
		err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			return errors.Join(tx.QueryRow(ctx, "SELECT "+hash(sessionsTable)).Scan(&sessions), tx.QueryRow(ctx, "SELECT "+hash("session_metrics")).Scan(&metrics))
		})
		return
	}
	known := map[string]string{}
	for _, name := range []string{before, after} {
		sessions, metrics, err := contents(t.Context(), "_"+name)
		require.NoError(t, err)
		known[sessions+" "+metrics] = name
	}
	require.Len(t, known, 2)
	go func() {
		defer close(v.done)
		defer db.Close(context.Background())
		last := 0 // reads since it was told to stop
		for n := 0; ; n++ {
			sessions, metrics, err := contents(context.Background(), "")
			if n%2 == 1 {
				sessions, metrics, err = inTransaction(context.Background())
			}
			if err != nil {
				v.err = err
				return
			}
			name, ok := known[sessions+" "+metrics]
			if !ok {
				name = "neither " + before + " nor " + after
			}
			v.seen[name]++
			select {
			case <-v.stop:
				if last++; last == 4 {
					return
				}
			default:
			}
		}
	}()
	return v
}

// saw ends the reader: it has seen both versions, the one named last, and never some of each.
func (v *views) saw(t *testing.T, last string) {
	t.Helper()
	require.Equal(t, v.after, last)
	close(v.stop)
	<-v.done
	require.NoError(t, v.err)
	t.Logf("a reader saw %v", v.seen)
	require.Len(t, v.seen, 2, "%v", v.seen)
	require.Positive(t, v.seen[v.before])
	require.Positive(t, v.seen[v.after])
}
