package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/savepoint"
)

// documented demands that what a command prints stands in the documents, line by line.
func documented(t *testing.T, output string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/savepoints.md")
	require.NoError(t, err)
	var lines []string
	for l := range strings.Lines(output) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	require.Contains(t, string(doc), strings.TrimSpace(strings.Join(lines, "\n")))
}

// words are those of a table, one blank apart.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// A group that leaves a savepoint, is planned with other flags, goes on from the savepoint with another sink, backend and parallelism, and then without the sink.
func TestRunGoesOnFromAPlannedSavepoint(t *testing.T) {
	data := t.TempDir()
	dir, saved := filepath.Join(data, "state", "sessions-v1"), filepath.Join(data, "saved")
	do(t, "topic", "create", "--partitions", "1", "--data", data)
	publishLines(t, data, line("ann", 1, "view"), line("ann", 2, "add_to_cart"), line("bob", 50, "view"))
	run := func(more ...string) []string {
		return append([]string{"run", "--until-end", "--no-drain", "--data", data, "--local-keys=false"}, more...)
	}
	do(t, run("--savepoint", saved)...)
	require.Contains(t, refuse(t, run("--savepoint", saved)...), "nothing is written over")

	plan := func(more ...string) []string {
		return append([]string{"state", "plan", saved, "--local-keys=false"}, more...)
	}
	table := words(answer(t, plan()...))
	for _, want := range []string{"session-analytics kept process;", "windows kept windows/1<list<proto:clickstream.v1.ClickEvent>> the same"} {
		require.Contains(t, table, want)
	}
	require.NotContains(t, table, "REFUSED")
	require.Contains(t, do(t, plan("--values")...), "The values of 2 keys can be read.")
	var parsed state.Plan
	require.NoError(t, json.Unmarshal([]byte(answer(t, plan("--json")...)), &parsed))
	require.Equal(t, state.Kept, parsed.Operator("session-analytics").Fate)

	var out output
	_, err := command(t.Context(), strings.NewReader(""), &out, plan("--gap", "15m")...)
	require.ErrorContains(t, err, "run would refuse this state")
	require.Contains(t, words(out.String()), "session-analytics changed")
	documented(t, out.String())
	require.Contains(t, out.String(), "session gap 30m0s")
	require.Contains(t, out.String(), "session gap 15m0s")
	reset := words(answer(t, plan("--gap", "15m", "--drop-state", "session-analytics")...))
	require.Contains(t, reset, "session-analytics dropped")
	require.Contains(t, reset, "begins anew")

	late := []string{"--late-sink", "csv:" + filepath.Join(data, "late.csv")}
	withLate := answer(t, plan(late...)...)
	require.Contains(t, words(withLate), "late new - sink")
	documented(t, withLate)
	require.NoError(t, os.RemoveAll(dir))
	require.Contains(t, refuse(t, run("--from-savepoint", saved, "--gap", "15m")...), "a changed definition is a new group")
	require.NoDirExists(t, dir, "a refused savepoint was restored")
	from := append(run("--from-savepoint", saved, "--backend", "memory", "--parallelism", "3"), late...)
	do(t, from...)
	publishLines(t, data, line("bob", 60, "checkout"))
	do(t, from...) // goes on from its own state

	refusal := refuse(t, run("--backend", "memory")...)
	require.Contains(t, refusal, `the state has an operator "late" (sink) that the job lacks`)
	require.Contains(t, refusal, "--drop-state")
	last := filepath.Join(data, "last")
	do(t, "run", "--until-end", "--data", data, "--local-keys=false", "--backend", "memory", "--drop-state", "late", "--savepoint", last)
	require.Equal(t, [][]string{{"ann", "60000", "120000", "60000", "2", "1", "0", "1"}, {"bob", "3000000", "3600000", "600000", "2", "0", "1", "0"}},
		sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsV1))
	sp, err := savepoint.Open(last)
	require.NoError(t, err)
	require.True(t, sp.Manifest().Splits[0].Finished)
	require.Nil(t, sp.Manifest().Operator("late"))
	require.Contains(t, refuse(t, "state", "plan", data), "there is no state and no savepoint here")
}
