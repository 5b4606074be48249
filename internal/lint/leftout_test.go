//go:build !integration

package lint

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// What a plain go test leaves out is listed by go test -v.
func TestWhatIsLeftOut(t *testing.T) {
	tests := 0
	var packages []string
	for _, f := range goFiles(t) {
		if !isTest(f.name) || !strings.HasPrefix(string(f.source), "//go:build integration\n") {
			continue
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") && fn.Name.Name != "TestMain" {
				tests++
			}
		}
		packages = append(packages, f.dir())
	}
	slices.Sort(packages)
	t.Skipf("left out here: %d tests that only run on real servers, and the tests of %s on those; make integration starts the servers and runs them",
		tests, strings.Join(slices.Compact(packages), ", "))
}
