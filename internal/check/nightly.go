package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/nightly"
)

// onDemand are the steps that only run when they are named.
var onDemand = []step{
	{"nightly", runNightly},
	{"reliability", renewPage},
}

const (
	// nightlyBudget bounds the whole run.
	nightlyBudget = 90 * time.Minute
	// raceBudget is what the short suite under the race detector may take; it is left out where less is left.
	raceBudget = 20 * time.Minute
	// figuresFile keeps the figures of the last nightly run, for the page to be made again.
	figuresFile = "millrace-nightly-figures.jsonl"
)

// runNightly runs the long form of all tests that have one, then fuzzes, and makes docs/reliability.md of the figures that they leave. Parts go on after one that
// failed, and failures are reported together at the end; then the page stays as it is.
func runNightly(ctx context.Context, c *checker) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, nightlyBudget)
	defer cancel()
	dir, err := os.MkdirTemp("", "millrace-nightly-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	figures := filepath.Join(os.TempDir(), figuresFile)
	if err := os.RemoveAll(figures); err != nil {
		return err
	}
	// Built and not go run: an interrupt must reach the program that stops the servers.
	servers := filepath.Join(dir, "testservers")
	if err := command(ctx, "go", "build", "-o", servers, "./internal/testservers"); err != nil {
		return err
	}
	plan, err := planNightly(ctx, servers)
	if err != nil {
		return err
	}
	env := []string{nightly.Variable + "=1", nightly.FiguresVariable + "=" + figures}
	results := runLanes(ctx, env, plan.plain, plan.onServers)
	if left := nightlyBudget - time.Since(begun); left < raceBudget {
		c.leftOut = append(c.leftOut, fmt.Sprintf("the short suite under the race detector, because only %s of the time are left", left.Round(time.Minute)))
	} else if race, err := racePart(ctx, c); err != nil {
		return err
	} else if race != nil {
		results = append(results, runLanes(ctx, nil, []part{*race})...)
	}
	return concludeNightly(figures, results, time.Since(begun))
}

// runLanes runs lists of parts beside each other, each in its order.
func runLanes(ctx context.Context, env []string, lanes ...[]part) []result {
	var mu sync.Mutex
	var results []result
	var running sync.WaitGroup
	for _, lane := range lanes {
		running.Go(func() {
			for _, p := range lane {
				r := p.run(ctx, env)
				mu.Lock()
				fmt.Println(r)
				results = append(results, r)
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return results
}

// concludeNightly shows the figures, and writes the page if nothing failed.
func concludeNightly(figures string, results []result, took time.Duration) error {
	if err := recordFuzzing(figures, results); err != nil {
		return err
	}
	all, err := nightly.Read(figures)
	if err != nil {
		return err
	}
	p := newPage(all)
	fmt.Println(p.figures.Render())
	fmt.Println(p.kinds.Render())
	fmt.Printf("%d parts in %s\n", len(results), took.Round(time.Second))
	if err := failures(results); err != nil {
		return err
	}
	return p.write()
}

// renewPage makes the page again from the figures of the last nightly run, after a change of its text.
func renewPage(context.Context, *checker) error {
	all, err := nightly.Read(filepath.Join(os.TempDir(), figuresFile))
	if err != nil {
		return fmt.Errorf("the figures of the last nightly run: %w", err)
	}
	return newPage(all).write()
}
