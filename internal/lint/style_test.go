package lint

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

const mostLines = 500

func TestFilesAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if n := bytes.Count(f.source, []byte("\n")); n > mostLines && !isTest(f.name) && !f.generated {
			t.Errorf("%s has %d lines, the most is %d: give one of its concepts a file of its own", f.name, n, mostLines)
		}
	}
}

func TestFormatted(t *testing.T) {
	for _, f := range goFiles(t) {
		if want, err := format.Source(f.source); err != nil || !bytes.Equal(want, f.source) {
			t.Errorf("%s is not formatted: run gofmt -w %s", f.name, f.name)
		}
	}
}

// vague are names that say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "base", "misc"}

func TestNamesSaySomething(t *testing.T) {
	for _, f := range goFiles(t) {
		name := strings.TrimSuffix(path.Base(f.name), ".go")
		if slices.Contains(vague, name) || slices.Contains(vague, f.syntax.Name.Name) {
			t.Errorf("%s: the name could hold anything; name the file and the package by the concept they are about", f.name)
		}
	}
}

// selfEvident are methods whose interface documents them.
var selfEvident = []string{
	"String", "Error", "Unwrap", "Is", "As", "Close", "Err", "Traits", "ID", "Len", "Less", "Swap",
	"Append", "Decode", "DecodeRecord", "Codec", "Open", "Splits", "Reader", "Fetch", "Next", "End", "AtEnd", "Write", "Prepare", "Commit", "Recover",
	"Assign", "OnElement", "OnTime", "OnRecord", "Restore", "Push", "Advance", "Now", "After", "Get", "Scan", "Stats", "Counter", "Route",
}

func TestExportedIsDocumented(t *testing.T) {
	described := map[string]bool{} // directories with a package comment
	packages := map[string]string{}
	for _, f := range goFiles(t) {
		if isTest(f.name) || f.generated {
			continue
		}
		described[f.dir()] = described[f.dir()] || f.syntax.Doc != nil
		packages[f.dir()] = f.syntax.Name.Name
		covered := -1 // the line after a function whose comment also speaks of the next
		for _, d := range f.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc != nil || f.line(d.Pos()) == covered {
					covered = f.line(d.End()) + 1
					continue
				}
				if d.Name.IsExported() && exportedReceiver(d) && (d.Recv == nil || !slices.Contains(selfEvident, d.Name.Name)) {
					undocumented(t, f, d, d.Name.Name)
				}
			case *ast.GenDecl:
				declared(t, f, d)
			}
		}
	}
	for dir, ok := range described {
		if !ok {
			t.Errorf("package %s in %s has no package comment: say in a sentence what it is and what it promises", packages[dir], dir)
		}
	}
}

// declared checks a group of types, constants or variables; a comment on the group counts for its members, and so does one on the line.
func declared(t *testing.T, f goFile, d *ast.GenDecl) {
	if d.Tok == token.IMPORT || d.Doc != nil {
		return
	}
	grouped := false // a typed group of constants explains itself by its type and its first members
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && s.Comment == nil {
				undocumented(t, f, s, s.Name.Name)
			}
		case *ast.ValueSpec:
			grouped = grouped || s.Type != nil && d.Tok == token.CONST
			for _, n := range s.Names {
				if n.IsExported() && s.Doc == nil && s.Comment == nil && !grouped {
					undocumented(t, f, s, n.Name)
				}
			}
		}
	}
}

func undocumented(t *testing.T, f goFile, n ast.Node, name string) {
	t.Errorf("%s: %s is exported and has no comment: say what it promises, or unexport it", f.at(n), name)
}

// exportedReceiver reports whether a function is a method of an exported type, or none.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	x := d.Recv.List[0].Type
	for {
		switch e := x.(type) {
		case *ast.StarExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.IndexListExpr:
			x = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}
