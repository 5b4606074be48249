package mutation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
)

// Every mutant finds its place in the code, and what comes of all of them compiles.
func TestMutantsCompile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list, err := overlay(dir, mutants...)
	require.NoError(t, err)
	packages := map[string]bool{}
	args := []string{"build", "-overlay", list}
	for _, m := range mutants {
		if pkg := "./" + m.file[:strings.LastIndex(m.file, "/")]; !packages[pkg] {
			packages[pkg] = true
			args = append(args, pkg)
		}
	}
	require.NoError(t, command(t.Context(), root, "go", args...))
}

// A safeguard that is taken away makes its test fail, which passes otherwise. The short run looks at those whose packages are small.
func TestMutantsAreKilled(t *testing.T) {
	limit := 5 * time.Minute
	if nightly.On() {
		limit = 40 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	byPackage := map[string][]mutant{}
	var packages []string
	for _, m := range mutants {
		if !m.quick && !nightly.On() {
			continue
		}
		if byPackage[m.pkg] == nil {
			packages = append(packages, m.pkg)
		}
		byPackage[m.pkg] = append(byPackage[m.pkg], m)
	}
	var killed []verdict
	for _, pkg := range packages {
		mutants := byPackage[pkg]
		var tests []string
		for _, m := range mutants {
			tests = append(tests, m.test)
		}
		binary, err := build(ctx, t.TempDir(), pkg, "")
		require.NoError(t, err)
		out, failed, err := run(ctx, binary, pkg, "", tests...)
		require.NoError(t, err)
		require.False(t, failed, "the tests of %s fail without any mutant:\n%s", pkg, out)
		for _, test := range tests {
			require.Contains(t, out, "--- PASS: "+test, "%s has no such test", pkg)
		}
		for _, m := range mutants {
			v, err := m.kill(ctx, t.TempDir())
			if err != nil {
				t.Errorf("%s: %v", m.safeguard, err)
				continue
			}
			killed = append(killed, v)
		}
	}
	t.Logf("%d of %d safeguards were taken away and missed\n%s", len(killed), len(mutants), table(killed))
	nightly.Record(t, nightly.Figures{Part: "safeguards taken away, one at a time", Seeds: int64(len(killed)), Losses: lost(t)})
}

// lost keeps the figures of a test that failed apart from those of one that did not.
func lost(t *testing.T) int64 {
	if t.Failed() {
		return 1
	}
	return 0
}

func table(killed []verdict) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SAFEGUARD\tTEST THAT MISSES IT\t\tTOOK")
	for _, v := range killed {
		fmt.Fprintf(w, "%s\t%s.%s\t%s\t%s\n", v.safeguard, v.pkg, v.test, v.how, v.took.Round(100*time.Millisecond))
	}
	_ = w.Flush() // to a buffer
	return out.String()
}
