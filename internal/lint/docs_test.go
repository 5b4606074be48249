package lint

import (
	"bytes"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// documents are the Markdown files that users read.
func documents(t *testing.T) map[string][]byte {
	docs := map[string][]byte{}
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".md") && !strings.Contains(name, "testdata/") {
			docs[name] = read(t, name)
		}
	}
	return docs
}

// Code in the documents is code that compiles: each Go block stands, with any indentation, in a Go file of the project.
func TestDocumentedCodeIsTested(t *testing.T) {
	var sources [][]byte
	for _, f := range goFiles(t) {
		sources = append(sources, outdent(f.source))
	}
	for name, text := range documents(t) {
		for _, m := range goBlock.FindAllSubmatch(text, -1) {
			block := outdent(m[1])
			found := false
			for _, s := range sources {
				found = found || bytes.Contains(s, block)
			}
			if !found {
				first, _, _ := bytes.Cut(bytes.TrimSpace(m[1]), []byte("\n"))
				t.Errorf("%s: the Go block that begins %q is in no Go file: copy it from an example or a test, line by line, so that it is compiled", name, first)
			}
		}
	}
}

// outdent takes the leading tabs and spaces from all lines.
func outdent(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		out = append(out, bytes.TrimLeft(line, "\t ")...)
	}
	return out
}

func TestLinksLead(t *testing.T) {
	for name, text := range documents(t) {
		for _, m := range link.FindAllSubmatch(text, -1) {
			target, _, _ := strings.Cut(string(m[1]), "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, target)
			}
		}
	}
}

// Every counter that the engine makes is explained where operators look for it.
func TestCountersAreDocumented(t *testing.T) {
	const page = "docs/operations.md"
	text := string(read(t, page))
	found := 0
	for _, f := range goFiles(t) {
		if isTest(f.name) || !within(f.dir(), "stream", "internal/runtime") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || fun.Sel.Name != "Counter" {
				return true
			}
			name, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			counter, err := strconv.Unquote(name.Value)
			require.NoError(t, err)
			if found++; !strings.Contains(text, "`"+counter+"`") {
				t.Errorf("%s makes the counter %q, which %s does not explain: add a row to its table", f.at(call), counter, page)
			}
			return true
		})
	}
	require.Positive(t, found, "no counters were found: the test looks in the wrong place")
}
