package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// tested is a package as far as its tests go.
type tested struct {
	path, module string
	files        []string // paths of its test files
	long         bool     // its tests know the long run
}

// name is the package's path within the module.
func (p tested) name() string { return strings.TrimPrefix(p.path, p.module+"/") }

// testedPackages lists the module's packages, with the test files that are built under flags.
func testedPackages(ctx context.Context, flags ...string) ([]tested, error) {
	const fields = `{{.ImportPath}}|{{.Module.Path}}|{{.Dir}}|{{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}|{{join .TestImports " "}} {{join .XTestImports " "}}`
	out, err := output(ctx, "go", append(append([]string{"list", "-e", "-f", fields}, flags...), "./...")...)
	if err != nil {
		return nil, err
	}
	var all []tested
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		if len(f) != 5 {
			return nil, fmt.Errorf("go list said %q", line)
		}
		p := tested{path: f[0], module: f[1], long: slices.Contains(strings.Fields(f[4]), f[1]+"/internal/nightly")}
		for _, name := range strings.Fields(f[3]) {
			p.files = append(p.files, filepath.Join(f[2], name))
		}
		slices.Sort(p.files)
		all = append(all, p)
	}
	return all, nil
}

// functions lists the functions of the test files whose names begin with prefix, as go test takes them.
func (p tested) functions(prefix string) ([]string, error) {
	var names []string
	for _, file := range p.files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, prefix) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, nil
}
