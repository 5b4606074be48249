package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/millrace/millrace/internal/nightly"
)

const (
	// partTimeout bounds one part, as go test -timeout.
	partTimeout = "45m"
	// fuzzTime is how long each fuzz target runs.
	fuzzTime = "10s"
	// self is this package, whose tests have no long form.
	self = "internal/check"
	// fuzzingPart is the row of the figures that all fuzz targets share.
	fuzzingPart = "fuzzing: random input to each decoder and parser"
)

// part is one command of the nightly run.
type part struct {
	name    string
	command []string
	fuzz    bool
}

// result is how a part went.
type result struct {
	part
	took   time.Duration
	err    error
	output string
}

// nightlyPlan is the parts: those that need servers, and those that do not.
type nightlyPlan struct{ plain, onServers []part }

// planNightly finds the parts: each package whose tests know the long run, under the servers where the integration tag changes its tests, and each fuzz target.
func planNightly(ctx context.Context, servers string) (nightlyPlan, error) {
	plain, err := testedPackages(ctx)
	if err != nil {
		return nightlyPlan{}, err
	}
	tagged, err := testedPackages(ctx, "-tags", "integration")
	if err != nil {
		return nightlyPlan{}, err
	}
	without := map[string][]string{} // test files of each package without the tag
	for _, p := range plain {
		without[p.path] = p.files
	}
	test := []string{"go", "test", "-count", "1", "-timeout", partTimeout}
	var plan nightlyPlan
	for _, p := range tagged {
		switch {
		case !p.long || p.name() == self:
		case slices.Equal(p.files, without[p.path]):
			plan.plain = append(plan.plain, part{name: p.name(), command: append(slices.Clone(test), p.path)})
		default:
			run := append([]string{servers, "--"}, test...)
			plan.onServers = append(plan.onServers, part{name: p.name() + " on servers", command: append(run, "-tags", "integration", p.path)})
		}
	}
	if len(plan.plain) == 0 || len(plan.onServers) == 0 {
		return plan, errors.New("no package has tests for the long run")
	}
	for _, p := range plain {
		targets, err := p.functions("Fuzz")
		if err != nil {
			return plan, err
		}
		for _, f := range targets {
			plan.plain = append(plan.plain, part{name: p.name() + " " + f, fuzz: true, command: []string{"go", "test", "-run", "^$", "-fuzz", "^" + f + "$", "-fuzztime", fuzzTime, p.path}})
		}
	}
	return plan, nil
}

// racePart is the short suite of the packages that start goroutines, nil where the race detector cannot be used.
func racePart(ctx context.Context, c *checker) (*part, error) {
	if err := cgo(ctx); err != nil {
		return nil, c.leave(ctx, "the race detector, because it needs a C compiler", err)
	}
	racy, _, err := packages(ctx)
	if err != nil {
		return nil, err
	}
	return &part{name: "short suite under the race detector", command: append([]string{"go", "test", "-race", "-timeout", raceBudget.String()}, racy...)}, nil
}

// run runs the part, with more in its environment.
func (p part) run(ctx context.Context, env []string) result {
	fmt.Println("+", strings.Join(p.command[:min(len(p.command), 12)], " "))
	begun := time.Now()
	var out bytes.Buffer
	cmd := prepare(ctx, p.command[0], p.command[1:])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return result{part: p, took: time.Since(begun), err: err, output: out.String()}
}

func (r result) String() string {
	if r.err == nil {
		return fmt.Sprintf("ok    %s in %s", r.name, r.took.Round(time.Second))
	}
	return fmt.Sprintf("FAIL  %s in %s: %v\n%s", r.name, r.took.Round(time.Second), r.err, strings.TrimRight(r.output, "\n"))
}

// telling are the lines of a failure that say how to repeat it.
var telling = regexp.MustCompile(`(?i)--- FAIL|seed|repeat|run it again|re-run|panic:|\[build failed\]`)

// failures is an error with what failed and the lines that say how to repeat it, nil if nothing did.
func failures(results []result) error {
	var failed []error
	for _, r := range results {
		if r.err == nil {
			continue
		}
		var hints []string
		for line := range strings.Lines(r.output) {
			if telling.MatchString(line) && len(hints) < 8 {
				hints = append(hints, "\n    "+strings.TrimSpace(line))
			}
		}
		failed = append(failed, fmt.Errorf("%s: %w%s", r.name, r.err, strings.Join(hints, "")))
	}
	if failed == nil {
		return nil
	}
	return fmt.Errorf("%d of %d parts failed:\n%w", len(failed), len(results), errors.Join(failed...))
}

var executions = regexp.MustCompile(`execs: (\d+)`)

// recordFuzzing adds what the fuzz targets did to the figures.
func recordFuzzing(figures string, results []result) error {
	f := nightly.Figures{Part: fuzzingPart}
	for _, r := range results {
		if !r.fuzz || r.err != nil {
			continue
		}
		said := executions.FindAllStringSubmatch(r.output, -1)
		if said == nil {
			return fmt.Errorf("%s does not say how many inputs it tried:\n%s", r.name, r.output)
		}
		n, err := strconv.ParseInt(said[len(said)-1][1], 10, 64)
		if err != nil {
			return err
		}
		f.Seeds += n
		fmt.Printf("%s: %s inputs\n", r.name, humanize.Comma(n))
	}
	if f.Seeds == 0 {
		return nil
	}
	return nightly.Append(figures, f)
}
