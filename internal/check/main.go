// Command check is the project's test command: everything that must hold before a change is taken, on a machine with Go alone or in continuous integration.
//
//	go run ./internal/check [STEP...]
//
// Without arguments it runs all steps in order; it stops at the first that fails, with its exit code:
//
//	tidy         go.mod and go.sum name what the code imports
//	vet          go vet, with and without the integration tests
//	lint         golangci-lint, built at a pinned version when it is not there yet
//	unit         go test of all packages, under the race detector where goroutines meet
//	integration  the tests that need servers, on a real Apache Kafka and PostgreSQL that it installs and starts
//
// Two steps run only when they are named:
//
//	nightly      the long form of all tests that have one, fuzzing, and docs/reliability.md made of what they did; up to 90 minutes
//	reliability  docs/reliability.md again from the figures of the last nightly run, after a change of its text
//
// What a machine cannot run, because a C compiler (for the race detector), Java and Maven (for Kafka) or PostgreSQL is missing and cannot be installed, is
// left out, and the last lines say so. With CI=true in the environment nothing is left out: what is missing is a failure.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, names []string) int {
	if len(names) == 2 && names[0] == markStep { // on the inside of the integration step
		return integrationInside(ctx, names[1])
	}
	chosen, err := choose(names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		return 2
	}
	c := &checker{strict: os.Getenv("CI") == "true" || os.Getenv("CI") == "1"}
	for _, s := range chosen {
		fmt.Printf("== %s\n", s.name)
		if err := s.run(ctx, c); err != nil {
			fmt.Fprintf(os.Stderr, "check: %s: %v\n", s.name, err)
			return exitCode(err)
		}
	}
	for _, what := range c.leftOut {
		fmt.Println("left out:", what)
	}
	return 0
}
