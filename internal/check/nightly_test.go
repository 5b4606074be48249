package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
)

func TestNightlyIsRunByNameOnly(t *testing.T) {
	all, err := choose(nil)
	require.NoError(t, err)
	for _, s := range all {
		require.NotEqual(t, "nightly", s.name)
	}
	named, err := choose([]string{"nightly"})
	require.NoError(t, err)
	require.Len(t, named, 1)
}

func TestNightlyFindsItsParts(t *testing.T) {
	t.Chdir("../..")
	plan, err := planNightly(t.Context(), "testservers")
	require.NoError(t, err)
	plain, onServers := map[string]part{}, map[string]part{}
	for _, p := range plan.plain {
		plain[p.name] = p
	}
	for _, p := range plan.onServers {
		onServers[p.name] = p
	}
	require.Contains(t, plain, "internal/metamorphic")
	require.Contains(t, onServers, "internal/chaos on servers")
	require.Equal(t, "testservers", onServers["internal/chaos on servers"].command[0])
	require.True(t, plain["codec FuzzDecode"].fuzz)
	require.Contains(t, plain, "state/memory FuzzReadSnapshot")
	require.NotContains(t, plain, "window")
	require.NotContains(t, plain, self)
}

func TestFailuresAreReportedTogether(t *testing.T) {
	none := result{part: part{name: "a"}}
	require.NoError(t, failures([]result{none}))
	broken := errors.New("exit status 1")
	err := failures([]result{
		none,
		{part: part{name: "b"}, err: broken, output: "much\n    job_test.go:3: repeat with MILLRACE_SEED=7\nmore\n"},
		{part: part{name: "c"}, err: broken, output: "--- FAIL: TestC (1s)\n"},
	})
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "2 of 3 parts failed:\nb: exit status 1\n    job_test.go:3: repeat with MILLRACE_SEED=7\nc: exit status 1\n    --- FAIL: TestC (1s)")
}

func TestLanesRunToTheEnd(t *testing.T) {
	results := runLanes(t.Context(), []string{nightly.Variable + "=1"},
		[]part{{name: "bad", command: []string{"sh", "-c", "exit 3"}}, {name: "good", command: []string{"sh", "-c", "echo on=$" + nightly.Variable}}},
		[]part{{name: "fuzz", fuzz: true, command: []string{"echo", "fuzz: elapsed: 10s, execs: 1200 (1/sec)"}}})
	require.Len(t, results, 3)
	byName := map[string]result{}
	for _, r := range results {
		byName[r.name] = r
	}
	require.Error(t, byName["bad"].err)
	require.NoError(t, byName["good"].err)
	require.Equal(t, "on=1\n", byName["good"].output)
	file := filepath.Join(t.TempDir(), "figures")
	require.NoError(t, recordFuzzing(file, results))
	all, err := nightly.Read(file)
	require.NoError(t, err)
	require.Equal(t, []nightly.Figures{{Part: fuzzingPart, Seeds: 1200}}, all)
}

func TestPageHoldsTheFigures(t *testing.T) {
	p := newPage([]nightly.Figures{
		{Part: "seeds", Seeds: 1234567, CrashPoints: 5},
		{Part: "kill", Cycles: 20, Events: 1_000_000, Faults: map[string]int64{"cut": 3, "slow": 2}, Losses: 1},
		{Part: "more", Faults: map[string]int64{"cut": 4}},
	})
	text, err := p.render()
	require.NoError(t, err)
	require.Contains(t, string(text), "1,234,567")
	again, err := readPage(text)
	require.NoError(t, err)
	require.Equal(t, p, again)
	require.Equal(t, counted{"kill", []int64{0, 0, 20, 5, 1_000_000, 1, 0}}, again.figures.rows[0])
	require.Equal(t, counted{totalName, []int64{1234567, 5, 20, 9, 1_000_000, 1, 0}}, again.figures.rows[3])
	require.Equal(t, []counted{{"cut", []int64{7}}, {"slow", []int64{2}}}, again.kinds.rows)
	_, err = readPage([]byte("no tables"))
	require.Error(t, err)
}

// The page that is kept is what the nightly run makes of its figures with the present text, and nothing was lost.
func TestReliabilityPageIsCurrent(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", pagePath))
	require.NoError(t, err)
	p, err := readPage(text)
	require.NoError(t, err)
	made, err := p.render()
	require.NoError(t, err)
	require.Equal(t, string(made), string(text), "the text of %s is made of internal/check/reliability.tmpl: change it there, then go run ./internal/check reliability, or nightly", pagePath)
	require.Contains(t, string(text), "go run ./internal/check nightly")
	total := counted{totalName, make([]int64, len(figuresHead)-1)}
	for _, r := range p.figures.rows[:len(p.figures.rows)-1] {
		require.Zero(t, r.counts[5], "losses of %s", r.name)
		require.Zero(t, r.counts[6], "duplicates of %s", r.name)
		for i, n := range r.counts {
			total.counts[i] += n
		}
	}
	require.Equal(t, total, p.figures.rows[len(p.figures.rows)-1])
}
