package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func reportCommand() *cobra.Command {
	var r results
	var also []string
	var to string
	cmd := &cobra.Command{
		Use: "report", Short: "Makes docs/benchmarks.md and its charts of what was measured", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return report(r, also, to) },
	}
	cmd.Flags().StringSliceVar(&also, "also", nil, "directories of further runs: the page is of all of them, and tells of each whether the targets hold")
	cmd.Flags().StringVar(&r.dir, "results", "bench/results", "directory of what was measured")
	cmd.Flags().StringVar(&to, "to", "docs/benchmarks.md", "file to write")
	return cmd
}

const opening = `# Benchmarks

Made by ` + "`go run ./bench/suite report`" + ` of what ` + "`go run ./bench/suite run`" + ` measured ([how](../bench/README.md)); compare figures of one table with each other, not with those of another machine. Figures are medians, with the lowest and the highest in
brackets where there were several runs; the variants of a table ran in turn.

`

const aboutTargets = `"Must" and "reach for" were set by what Flink, Kafka Streams and loops by hand do on one machine, where Flink took 7.4 µs of processor time for an event; on another, ratios say more
than microseconds, so that Flink's time is set beside ours too. What compares two variants is the median of what they were to each other in each turn, or of their medians
where one ran less often; so it need not be what the tables' medians give. What a shared machine's second
core has to give is not 2: a loop of arithmetic tells what it is, in the same turns, and the job's share of that stands beside what the second core brings; where events change the core it is a job by hand that
does so too.`

func report(r results, also []string, to string) error {
	var doc bytes.Buffer
	doc.WriteString(opening)
	fmt.Fprintf(&doc, "Machine: %s, %d cores, %s/%s, %s.\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	var runs []medians
	for _, dir := range append([]string{r.dir}, also...) {
		run, err := results{dir: dir}.medians()
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	all := together(runs)
	about := aboutTargets
	if len(runs) == 1 {
		runs = nil // it stands there already
	} else {
		about += " The columns at the end are of each run; what was measured, and the tables below, are of all of them."
	}
	if t := targetTable(all, runs...); t != "" {
		fmt.Fprintf(&doc, "\n## Targets\n\n%s\n\n%s\n", about, t)
	}
	for _, p := range parts() {
		samples := all[p.name]
		if len(samples) == 0 {
			continue
		}
		scale := ""
		for _, s := range samples {
			if s.Scale > 0 {
				scale = fmt.Sprint(" --scale ", s.Scale)
				p.about += fmt.Sprintf(" Measured with --scale %v: of what is said here to be so and so many, it was that share.", s.Scale)
				break
			}
		}
		fmt.Fprintf(&doc, "\n## %s\n\n%s\n\n    go run ./bench/suite run %s%s\n\n%s\n", p.title, p.about, p.name, scale, p.table(samples))
		if p.chart == "" {
			continue
		}
		file := "benchmark-" + p.name + ".svg"
		if err := p.draw(samples, filepath.Join(filepath.Dir(to), "img", file)); err != nil {
			return fmt.Errorf("chart of %s: %w", p.name, err)
		}
		fmt.Fprintf(&doc, "\n![%s](img/%s)\n", p.title, file)
	}
	return os.WriteFile(to, doc.Bytes(), 0o644)
}

// table is the part's medians in Markdown; columns that no variant has are left out.
func (p part) table(samples []Sample) string {
	t := table.NewWriter()
	head := table.Row{"variant", "runs"}
	var columns []string
	for _, c := range p.columns {
		if slices.ContainsFunc(samples, func(s Sample) bool { _, ok := s.value(c); return ok }) {
			columns, head = append(columns, c), append(head, c)
		}
	}
	t.AppendHeader(head)
	for _, v := range p.variants {
		runs := of(samples, v.name)
		if len(runs) == 0 {
			continue
		}
		row := table.Row{v.name, len(runs)}
		for _, c := range columns {
			row = append(row, spreadOf(runs, c).text())
		}
		t.AppendRow(row)
	}
	return t.RenderMarkdown()
}

func of(samples []Sample, variant string) (runs []Sample) {
	for _, s := range samples {
		if s.Variant == variant {
			runs = append(runs, s)
		}
	}
	return runs
}

// spread is a measurement over several runs.
type spread struct {
	n                 int
	low, median, high float64
}

func spreadOf(runs []Sample, column string) spread {
	all := values(runs, column)
	if len(all) == 0 {
		return spread{}
	}
	return spread{len(all), slices.Min(all), middle(all), slices.Max(all)}
}

// values are those of a column, in the order of the runs.
func values(runs []Sample, column string) (all []float64) {
	for _, s := range runs {
		if v, ok := s.value(column); ok {
			all = append(all, v)
		}
	}
	return all
}

// middle is the median of at least one number.
func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (s spread) text() string {
	switch s.n {
	case 0:
		return ""
	case 1:
		return short(s.median)
	}
	return fmt.Sprintf("%s (%s–%s)", short(s.median), short(s.low), short(s.high))
}

// short writes a number in three digits.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 999_500:
		return digits(v/1e6) + " M"
	case a >= 9_995:
		return digits(v/1e3) + " k"
	}
	return digits(v)
}

func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case a >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// processor is the name of the machine's processor, as far as Linux tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
