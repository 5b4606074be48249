package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// linter is pinned, so that a finding depends on the code alone.
const linter = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0"

// testTimeout bounds one package's tests.
const testTimeout = "8m"

type step struct {
	name string
	run  func(context.Context, *checker) error
}

var steps = []step{
	{"tidy", tidy},
	{"vet", vet},
	{"lint", lint},
	{"unit", unit},
	{"integration", integration},
}

// choose finds the steps by name, all of them for none.
func choose(names []string) ([]step, error) {
	if len(names) == 0 {
		return steps, nil
	}
	var chosen []step
	var known []string
	named := slices.Concat(steps, onDemand)
	for _, s := range named {
		known = append(known, s.name)
	}
	for _, n := range names {
		found := false
		for _, s := range named {
			if s.name == n {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no step %q; the steps are %s", n, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

func tidy(ctx context.Context, _ *checker) error {
	if err := command(ctx, "go", "mod", "tidy", "-diff"); err != nil {
		return fmt.Errorf("go.mod and go.sum are not what the imports need (run go mod tidy): %w", err)
	}
	return nil
}

func vet(ctx context.Context, _ *checker) error {
	if err := command(ctx, "go", "vet", "./..."); err != nil {
		return err
	}
	return command(ctx, "go", "vet", "-tags", "integration", "./...")
}

func lint(ctx context.Context, c *checker) error {
	if err := quiet(ctx, "go", "run", linter, "version"); err != nil {
		return c.leave(ctx, "lint, because golangci-lint cannot be built here", err)
	}
	return command(ctx, "go", "run", linter, "run", "./...")
}

// unit runs packages that start goroutines under the race detector, and the others, which are slower for nothing with it, without.
func unit(ctx context.Context, c *checker) error {
	racy, plain, err := packages(ctx)
	if err != nil {
		return err
	}
	race := []string{"-race"}
	if err := cgo(ctx); err != nil {
		if err := c.leave(ctx, "the race detector, because it needs a C compiler", err); err != nil {
			return err
		}
		race = nil
	}
	if err := goTest(ctx, nil, plain); err != nil {
		return err
	}
	return goTest(ctx, race, racy)
}

func goTest(ctx context.Context, flags, packages []string) error {
	args := append([]string{"test", "-timeout", testTimeout}, flags...)
	return command(ctx, "go", append(args, packages...)...)
}

// concurrent are the directories whose packages are tested under the race detector.
var concurrent = []string{"/stream", "/state", "/source", "/sink", "/internal/exchange", "/internal/runtime", "/internal/clock", "/internal/metrics"}

// withoutRace is left to the plain run: with the race detector Pebble checks invariants of its own, and panics at some that do not hold once its disk has
// failed, which is what many of the tests are about.
const withoutRace = "/state/pebble"

// bothWays has tests that are only built without the race detector, which finds races inside of the Kafka client.
const bothWays = "/sink/kafka"

// packages lists the module's packages: those to test with the race detector, and the others.
func packages(ctx context.Context) (racy, plain []string, err error) {
	out, err := output(ctx, "go", "list", "-f", "{{.ImportPath}} {{.Module.Path}}", "./...")
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(out) {
		path, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		under := false
		for _, d := range concurrent {
			rest, ok := strings.CutPrefix(path, module+d)
			under = under || ok && (rest == "" || rest[0] == '/')
		}
		if under && path != module+withoutRace {
			racy = append(racy, path)
		}
		if !under || path == module+withoutRace || path == module+bothWays {
			plain = append(plain, path)
		}
	}
	return racy, plain, nil
}

// cgo tells why the race detector cannot be used, if it cannot.
func cgo(ctx context.Context) error {
	out, err := output(ctx, "go", "env", "CGO_ENABLED", "CC")
	if err != nil {
		return err
	}
	enabled, cc, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if enabled != "1" {
		return fmt.Errorf("CGO_ENABLED is %s", enabled)
	}
	compiler := strings.Fields(cc)
	if len(compiler) == 0 {
		return fmt.Errorf("no CC")
	}
	_, err = exec.LookPath(compiler[0])
	return err
}

// markStep is what the integration step runs beside the servers: this command again, to leave a mark that they have started, then the tests.
const markStep = "integration-inside"

func integration(ctx context.Context, c *checker) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "millrace-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Built and not go run: an interrupt must reach the program that stops the servers.
	servers, mark := filepath.Join(dir, "testservers"), filepath.Join(dir, "started")
	if err := command(ctx, "go", "build", "-o", servers, "./internal/testservers"); err != nil {
		return err
	}
	err = command(ctx, servers, "--", self, markStep, mark)
	if err == nil {
		return nil
	}
	if _, e := os.Stat(mark); errors.Is(e, fs.ErrNotExist) {
		return c.leave(ctx, "the integration tests, because the servers could not be started", err)
	}
	return err
}
