package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// integrationInside leaves the mark and runs the tests that the integration tag adds or changes; the others ran without servers.
func integrationInside(ctx context.Context, mark string) int {
	err := os.WriteFile(mark, []byte("the servers are there\n"), 0o600)
	var tests tagged
	if err == nil {
		tests, err = integrationTests(ctx)
	}
	flags := []string{"-tags", "integration", "-p", "1"}
	if err == nil { // both, so that one run shows all that fails
		err = errors.Join(
			goTest(ctx, flags, tests.whole),
			goTest(ctx, append(flags, "-run", "^("+strings.Join(tests.names, "|")+")$"), tests.packages),
		)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "check: integration:", err)
		return exitCode(err)
	}
	return 0
}

// tagged are the integration tests.
type tagged struct {
	whole    []string // packages in which the tag takes a file away: all their tests run on something else with it
	packages []string // packages in which it only adds tests
	names    []string // the tests it adds there, each name once
}

// integrationTests finds what the integration tag adds or changes.
func integrationTests(ctx context.Context) (tagged, error) {
	plain, err := testFiles(ctx)
	if err != nil {
		return tagged{}, err
	}
	with, err := testFiles(ctx, "-tags", "integration")
	if err != nil {
		return tagged{}, err
	}
	var found tagged
	for _, path := range slices.Sorted(maps.Keys(with)) {
		if slices.ContainsFunc(plain[path], func(file string) bool { return !slices.Contains(with[path], file) }) {
			found.whole = append(found.whole, path)
			continue
		}
		before := len(found.names)
		for _, file := range with[path] {
			if slices.Contains(plain[path], file) {
				continue
			}
			names, err := testNames(file)
			if err != nil {
				return tagged{}, err
			}
			found.names = append(found.names, names...)
		}
		if len(found.names) > before {
			found.packages = append(found.packages, path)
		}
	}
	if len(found.names) == 0 || len(found.whole) == 0 {
		return tagged{}, fmt.Errorf("no package has integration tests")
	}
	slices.Sort(found.names)
	found.names = slices.Compact(found.names)
	return found, nil
}

// testFiles lists the paths of the test files of each package.
func testFiles(ctx context.Context, flags ...string) (map[string][]string, error) {
	args := append([]string{"list", "-f", `{{.ImportPath}}{{"\t"}}{{.Dir}}{{"\t"}}{{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}`}, flags...)
	out, err := output(ctx, "go", append(args, "./...")...)
	if err != nil {
		return nil, err
	}
	files := map[string][]string{}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		for _, name := range strings.Fields(fields[2]) {
			files[fields[0]] = append(files[fields[0]], filepath.Join(fields[1], name))
		}
	}
	return files, nil
}

// testNames lists the tests of a file.
func testNames(file string) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
			names = append(names, f.Name.Name)
		}
	}
	return names, nil
}
