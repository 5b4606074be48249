package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Nothing that makes the job faster changes a row of it: the loop by hand and the engine, in place and by an exchange, with state in memory or on disk, with much memory and
// with little, give the rows of the batch computation, whatever decodes.
func TestAnswers(t *testing.T) {
	d, err := makeDataset(t.TempDir(), 20_000)
	require.NoError(t, err)
	require.EqualValues(t, 20_000, d.Answer.Events)
	require.Greater(t, d.Answer.Sessions, int64(1000))
	require.Positive(t, d.Answer.Abandoned)
	again, err := makeDataset(filepath.Dir(d.Dir), 20_000)
	require.NoError(t, err)
	require.Equal(t, d, again, "what is on disk is used")
	var all []work
	for _, decode := range []string{"google", "vt", "aliased", "reused"} {
		all = append(all, work{hand: true, decode: decode})
		if decode != "reused" {
			all = append(all, work{hand: true, exchange: true, decode: decode})
		}
		for _, memory := range []int64{0, 2 << 20} { // little enough for entries to leave it
			all = append(all, work{decode: decode, memory: memory}, work{decode: decode, state: "memory", dir: t.TempDir()}, work{decode: decode, dir: t.TempDir(), memory: memory})
			if decode != "reused" {
				all = append(all, work{decode: decode, exchange: true, memory: memory}, work{decode: decode, exchange: true, dir: t.TempDir(), memory: memory})
			}
		}
	}
	for _, w := range all {
		w.files, w.checkpoint = strings.Join(d.files(), ","), 50*time.Millisecond
		var out bytes.Buffer
		require.NoError(t, w.run(t.Context(), &out))
		var got told
		require.NoError(t, said(out.Bytes(), &got))
		require.NoError(t, d.check(got.answer), "%+v", w)
		got.Abandoned++
		require.Error(t, d.check(got.answer))
	}
}

// The job with much state comes to what counting says.
func TestLargeAnswer(t *testing.T) {
	l := large{keys: 2000, updates: 20_000, memory: 1 << 20, dir: t.TempDir()}
	var out bytes.Buffer
	require.NoError(t, l.run(t.Context(), &out))
	var got totals
	require.NoError(t, said(out.Bytes(), &got))
	require.NoError(t, l.check(got))
	require.Positive(t, got.Sum)
	got.Sum++
	require.Error(t, l.check(got))
	got.Stopped = 1
	require.NoError(t, l.check(got), "what a run came to that was stopped")
}

// The memory of a program is its own, and not that of the process which started it.
func TestPeakIsThePrograms(t *testing.T) {
	large := bytes.Repeat([]byte{1}, 200<<20)
	s, err := execute(t.Context(), "", io.Discard, "sleep", "0.3")
	require.NoError(t, err)
	require.Positive(t, s.Peak)
	require.Less(t, s.Peak, int64(100<<20))
	require.EqualValues(t, 1, large[len(large)-1])
}

// A benchmark's one result is read with all that it reports.
func TestGoBenchmark(t *testing.T) {
	var s Sample
	g := goBenchmark{pkg: "bench", pattern: "x", events: 10}
	out := bytes.NewBufferString("goos: linux\nBenchmarkX/keys=5-2 \t 3\t 2000000000 ns/op\t 12.5 p99-ms\t 40 cpu-ns/event\nPASS\n")
	require.NoError(t, g.read(out, &s))
	require.EqualValues(t, 30, s.Events)
	require.InDelta(t, 6, s.Phase, 1e-9)
	require.InDelta(t, 12.5, s.Values["p99 ms"], 1e-9)
	require.InDelta(t, 1200e-9, s.CPU, 1e-12)
	require.ErrorContains(t, g.read(bytes.NewBufferString("PASS\n"), &s), "0 results")
}

// The hash of a row is what Java makes of it in the peers' programs; this one was computed there.
func TestHashIsJavas(t *testing.T) {
	s := session{user: "user-0000001", first: 1, last: 2, events: 3, carts: 4, checkouts: 5}
	require.Equal(t, uint64(12984134775853619254), s.hash())
}

func TestPartGoesOnWhereItWasInterrupted(t *testing.T) {
	r := results{t.TempDir()}
	require.NoError(t, r.add("p", Sample{Variant: "a", Events: 10, Phase: 2, CPU: 1}))
	require.NoError(t, r.add("p", Sample{Variant: "a", Events: 10, Phase: 1, CPU: 1}))
	all, err := r.read("p")
	require.NoError(t, err)
	require.Len(t, all, 2)
	s := spreadOf(all, colRate)
	require.Equal(t, spread{2, 5, 7.5, 10}, s)
	require.Equal(t, "7.50 (5.00–10.0)", s.text())
	p := part{name: "p", columns: []string{colRate, colPeak}, chart: colRate, variants: []variant{{name: "a"}, {name: "not yet"}}}
	table := p.table(all)
	require.Contains(t, table, "7.50 (5.00–10.0)")
	require.NotContains(t, table, "not yet")
	require.NotContains(t, table, colPeak, "no run has it")
	path := filepath.Join(t.TempDir(), "img", "p.svg")
	require.NoError(t, p.draw(all, path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "<svg")
	require.NoError(t, os.WriteFile(r.path("p"), []byte("no line\n"), 0o600))
	_, err = r.read("p")
	require.ErrorContains(t, err, "p.jsonl, line 1")
	require.NoError(t, r.remove("p"))
	require.NoError(t, r.remove("p"))
}

// Each target is of variants that there are.
func TestTargetsAreMeasured(t *testing.T) {
	m := medians{}
	for _, p := range parts() {
		for _, v := range p.variants {
			s := Sample{Variant: v.name, Events: 3, Phase: 1, Wall: 1, CPU: 1, Broker: 1, Peak: 1e6, Values: map[string]float64{}}
			for _, c := range p.columns {
				s.Values[c] = 3
			}
			m[p.name] = append(m[p.name], s)
		}
	}
	for _, target := range targets() {
		_, ok := target.of(m)
		require.True(t, ok, target.what)
	}
	table := targetTable(m)
	require.Contains(t, table, "**no**")
	require.Contains(t, table, "yes")
	require.Equal(t, "yes, and beyond", target{must: 5, reach: 8, least: true}.judge(8))
	require.Equal(t, "yes", target{must: 5, reach: 8, least: true}.judge(7.9))
	require.Equal(t, "**no**", target{must: 5, least: true}.judge(4.9))
	require.Equal(t, "**no**", target{must: 5}.judge(5.1))
	require.Equal(t, "yes", target{must: 5}.judge(5))
	require.Empty(t, targetTable(medians{}))
	less := medians{"latency": {{Variant: "Millrace", Values: map[string]float64{"p50 ms": 0.5, "p99 ms": 7}}}}
	require.Regexp(t, `(?m)^.*ms: p50 .*\| 0.50 \|$`, targetTable(m, less), "another run stands beside, as far as it went")
	require.Regexp(t, `(?m)^.*the same, p99 .*\| 7.00: \*\*no\*\* \|$`, targetTable(m, less))
	require.Regexp(t, `(?m)^.*the same, p99.9 .*\|  \|$`, targetTable(m, less))
}

// A report is of all runs, and its targets of each too.
func TestReportOfTwoRuns(t *testing.T) {
	first, second := results{t.TempDir()}, results{t.TempDir()}
	for i, r := range []results{first, second} {
		for variant, rate := range map[string]float64{"Millrace, Pebble": float64(100 + 100*i), flinkRocks: 50} {
			require.NoError(t, r.add("large", Sample{Variant: variant, Values: map[string]float64{"updates/s": rate}}))
		}
	}
	to := filepath.Join(t.TempDir(), "benchmarks.md")
	require.NoError(t, report(first, []string{second.dir}, to))
	text, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Contains(t, string(text), "| Millrace, Pebble | 2 | 150 (100–200) |")
	require.Contains(t, string(text), "| at least 2.00 | 5.00 | 3.00 | yes | 2.00 | 4.00 |")
	require.FileExists(t, filepath.Join(filepath.Dir(to), "img", "benchmark-large.svg"))
}

// Two variants are compared turn by turn.
func TestRatiosAreOfTheSameTurn(t *testing.T) {
	run := func(variant string, events int64) Sample { return Sample{Variant: variant, Events: events, Phase: 1} }
	m := medians{"p": {run("a", 10), run("b", 5), run("a", 90), run("b", 30), run("a", 8), run("b", 1), run("once", 4)}}
	v, ok := times("p", "a", "b", colRate)(m)
	require.True(t, ok)
	require.InDelta(t, 3, v, 1e-9, "of 2, 3 and 8")
	v, _ = beyond("p", "a", "b", colRate)(m)
	require.InDelta(t, 7000, v, 1e-9, "of 5, 60 and 7")
	v, _ = times("p", "a", "once", colRate)(m)
	require.InDelta(t, 2.5, v, 1e-9, "of the medians")
	_, ok = times("p", "a", "never", colRate)(m)
	require.False(t, ok)
}

func TestControl(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, control(2, 1000, &out))
	var got controlled
	require.NoError(t, said(out.Bytes(), &got))
	require.Len(t, got.Sums, 2)
	require.NotEqual(t, got.Sums[0], got.Sums[1])
	require.Positive(t, got.Phase)
	out.Reset()
	require.NoError(t, pass(1000, &out))
	var trip passed
	require.NoError(t, said(out.Bytes(), &trip))
	require.Positive(t, trip.Nanos)
}

// No key is missed in the log of the skewed job, however it is read.
func TestSkewedAnswer(t *testing.T) {
	for _, mode := range []string{"live", "replay", "apart"} {
		w := skew{mode: mode, span: 20 * time.Minute}
		var out bytes.Buffer
		require.NoError(t, w.run(t.Context(), &out))
		var got inJob
		require.NoError(t, said(out.Bytes(), &got))
		require.Equal(t, w.events(0)+w.events(1), got.Rows)
		require.Positive(t, got.Most)
	}
}

func TestPartsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range parts() {
		require.False(t, seen[p.name])
		seen[p.name] = true
		variants := map[string]bool{}
		for _, v := range p.variants {
			require.False(t, variants[v.name], "%s: %s", p.name, v.name)
			variants[v.name] = true
		}
	}
	_, err := choose([]string{"hand", "nonsense"}, false)
	require.ErrorContains(t, err, "clickstream, variants")
	some, err := choose([]string{"hand"}, false)
	require.NoError(t, err)
	require.Len(t, some, 1)
}
