package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// files are the project's files, as slash-separated paths from its root: what git tracks or would track, or without git everything.
func files(t *testing.T) []string {
	t.Helper()
	git := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	git.Dir = root
	var names []string
	if out, err := git.Output(); err == nil {
		for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
			if _, err := os.Stat(filepath.Join(root, name)); err == nil { // not deleted since
				names = append(names, name)
			}
		}
	} else {
		require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				name, _ := filepath.Rel(root, path)
				names = append(names, filepath.ToSlash(name))
			}
			return err
		}))
	}
	require.NotEmpty(t, names, "the project's files were not found")
	return names
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return b
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// goFile is a parsed Go file.
type goFile struct {
	name      string
	source    []byte
	generated bool
	fset      *token.FileSet
	syntax    *ast.File
}

// goFiles parses the project's Go files.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var all []goFile
	for _, name := range files(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "/testdata/") { // what an analyzer is tested on is not the project's code
			continue
		}
		f := goFile{name: name, source: read(t, name), fset: token.NewFileSet()}
		f.generated = generatedMark.Match(f.source)
		var err error
		f.syntax, err = parser.ParseFile(f.fset, name, f.source, parser.ParseComments)
		require.NoError(t, err)
		all = append(all, f)
	}
	return all
}

// at is a node's place for a message.
func (f goFile) at(n ast.Node) string { return f.fset.Position(n.Pos()).String() }

func (f goFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// dir is the package's directory from the root.
func (f goFile) dir() string {
	if i := strings.LastIndexByte(f.name, '/'); i >= 0 {
		return f.name[:i]
	}
	return "."
}

// within reports whether a directory is one of those named or below one.
func within(dir string, roots ...string) bool {
	for _, r := range roots {
		if dir == r || strings.HasPrefix(dir, r+"/") {
			return true
		}
	}
	return false
}
