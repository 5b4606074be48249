//go:build integration

package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/loggen"
)

// server is the address of a real server, from the environment.
func server(t *testing.T, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		t.Fatalf("%s is not set: run `make integration`, which starts the servers", variable)
	}
	return address
}

// TestKillMillion kills run over a million events, with memory for a part of the state.
func TestKillMillion(t *testing.T) {
	killAndCompare(t, loggen.Config{Seed: 1_000_000, Events: 1_000_000, Users: 120_000, Length: 8 * 60 * minute}, "2MiB")
}

// TestRealServers takes the clicks through Apache Kafka into PostgreSQL, and back into a topic.
func TestRealServers(t *testing.T) {
	kafka, dsn := server(t, "MILLRACE_TEST_KAFKA"), server(t, "MILLRACE_TEST_POSTGRES")
	for _, partitions := range []int{1, 4} {
		for _, local := range []bool{true, false} {
			for _, lateness := range []int{0, 10} {
				name := fmt.Sprintf("%dp-lateness%dm", partitions, lateness)
				t.Run(fmt.Sprintf("%s/local=%t", name, local), func(t *testing.T) {
					run := newPostgresRun(t, dsn)
					topic := fmt.Sprintf("clicks-%d-%d", partitions, run.number)
					common := []string{"--brokers", kafka, "--topic", topic, "--data", t.TempDir()}
					do(t, append([]string{"topic", "create", "--partitions", fmt.Sprint(partitions)}, common...)...)
					do(t, append([]string{"produce", "--in", filepath.Join(testdata, "hard.jsonl.gz")}, common...)...)
					do(t, append([]string{
						"run", "--until-end", "--group", topic, "--lateness", fmt.Sprintf("%dm", lateness), fmt.Sprintf("--local-keys=%t", local), "--parallelism", "3",
						"--sink", run.sink(), "--checkpoint-every", "50ms",
					}, common...)...)
					want := wantSessions(t, "hard-sessions-"+name+".csv.gz")
					same(t, want, sessionsOf(t, run.rows(t, sessionsV1)))
					same(t, wantMetrics(want, 30*minute), metricsOf(t, run.rows(t, metricsV1)))
				})
			}
		}
	}
}

// TestRealTopic writes sessions to a topic of Apache Kafka.
func TestRealTopic(t *testing.T) {
	kafka := server(t, "MILLRACE_TEST_KAFKA")
	topic := fmt.Sprintf("clicks-%d", time.Now().UnixNano())
	common := []string{"--brokers", kafka, "--topic", topic, "--data", t.TempDir()}
	require.Contains(t, do(t, append([]string{"produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz")}, common...)...), "Created topic "+topic+" with 4 partitions")
	messages := do(t, append([]string{"run", "--until-end", "--group", topic, "--sink", "kafka:" + topic + "-sessions"}, common...)...)
	require.Contains(t, messages, "3,605")
}

// postgresRun is a schema of one test's own.
type postgresRun struct {
	dsn    string
	number int64
}

func newPostgresRun(t *testing.T, dsn string) postgresRun {
	r := postgresRun{dsn, time.Now().UnixNano()}
	r.exec(t, "CREATE SCHEMA "+r.schema())
	t.Cleanup(func() { r.exec(t, "DROP SCHEMA "+r.schema()+" CASCADE") })
	return r
}

func (r postgresRun) exec(t *testing.T, sql string) {
	t.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, r.dsn)
	require.NoError(t, err)
	defer db.Close(ctx)
	_, err = db.Exec(ctx, sql)
	require.NoError(t, err)
}

func (r postgresRun) schema() string { return fmt.Sprintf("run_%d", r.number) }

func (r postgresRun) table(name string) string { return r.schema() + "." + name }

// sink is the URL of a result; other parameters stay.
func (r postgresRun) sink() string {
	u, err := url.Parse(r.dsn)
	if err != nil {
		panic(err)
	}
	q := u.Query()
	q.Set("table", r.table(sessionsTable))
	u.RawQuery = q.Encode()
	return u.String()
}

// rows reads a table as text.
func (r postgresRun) rows(t *testing.T, name string) [][]string {
	t.Helper()
	return r.query(t, "SELECT * FROM "+r.table(name))
}

// query returns what a query does, as text.
func (r postgresRun) query(t *testing.T, sql string) (rows [][]string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), r.dsn)
	require.NoError(t, err)
	defer db.Close(context.Background())
	rs, err := db.Query(t.Context(), sql)
	require.NoError(t, err)
	defer rs.Close()
	for rs.Next() {
		values, err := rs.Values()
		require.NoError(t, err)
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = fmt.Sprint(v)
		}
		rows = append(rows, row)
	}
	require.NoError(t, rs.Err())
	return rows
}

// TestVersionsInPostgres takes two versions through comparison, cutover and rollback on the real server, and kills rollbacks.
func TestVersionsInPostgres(t *testing.T) {
	run := newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES"))
	flags := twoVersions(t, "--sink", run.sink())
	seen := func() int { return len(run.rows(t, sessionsTable)) }
	do(t, append([]string{"cutover", "v2"}, flags...)...)
	killRollbacks(t, flags, seen)
	if seen() != 3605 {
		do(t, append([]string{"rollback"}, flags...)...)
	}
	do(t, append([]string{"versions", "drop", "v2"}, flags...)...)
	do(t, append([]string{"run", "--until-end", "--version", "v2", "--group", "v2again", "--gap", "15m"}, flags...)...)
	storyOfVersions(t, flags, seen)
}
