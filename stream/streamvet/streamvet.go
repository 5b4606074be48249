// Package streamvet is an analyzer for go vet that finds what keeps a job's results from being a function of its log: in the functions that a program gives to
// package stream, and in what they call in their own package, it reports
//
//   - the wall clock: time.Now, time.Since, timers, sleeping; event time comes with the record, and Context.ProcessingTime says what it is;
//   - chance: functions of math/rand and crypto/rand that no seed of the program's decides;
//   - goroutines, whose order nobody decides;
//   - a loop over a map whose order reaches a result: it emits, returns, or appends to a slice that is not sorted afterwards, or adds up text or floats;
//   - variables of the package that are written, or read although something writes them: they are state that no checkpoint holds, and tasks share them.
//
// User functions are those passed to the operators of packages stream, watermark and window, methods that take a *stream.Context, and the methods of an
// aggregator. A finding that is meant is silenced by a comment with its reason, on its line or the one above:
//
//	//streamvet:ignore the counter is for the log only
//
// Run it as
//
//	go run github.com/millrace/millrace/stream/streamvet/cmd/streamvet ./...
//
// What a function of another package does is not looked into.
package streamvet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
)

// Analyzer reports what keeps user functions from being deterministic.
var Analyzer = &analysis.Analyzer{
	Name:     "streamvet",
	Doc:      "find clocks, chance, goroutines, map order and global variables in the functions of stream jobs",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

const ignoreMark = "//streamvet:ignore"

// vet is one package under analysis.
type vet struct {
	pass    *analysis.Pass
	decls   map[*types.Func]*ast.FuncDecl
	written map[*types.Var]bool     // variables of the package that some function assigns
	ignored map[string]map[int]bool // lines by file that a comment silences
	seen    map[ast.Node]bool       // bodies that were looked into
}

func run(pass *analysis.Pass) (any, error) {
	v := &vet{pass: pass, decls: map[*types.Func]*ast.FuncDecl{}, written: map[*types.Var]bool{}, ignored: map[string]map[int]bool{}, seen: map[ast.Node]bool{}}
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	for _, f := range pass.Files {
		v.index(f)
	}
	in.Preorder([]ast.Node{(*ast.FuncDecl)(nil), (*ast.CallExpr)(nil)}, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if takesContext(v.object(n)) {
				v.enter(n)
			}
		case *ast.CallExpr:
			v.operator(n)
		}
	})
	return nil, nil
}

// index notes a file's functions, comments that silence, and assignments to variables of the package.
func (v *vet) index(f *ast.File) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if reason, ok := strings.CutPrefix(c.Text, ignoreMark); ok {
				v.silence(c, strings.TrimSpace(reason))
			}
		}
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		v.decls[v.object(fn)] = fn
		if fn.Recv == nil && fn.Name.Name == "init" {
			continue // before any job
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			for _, x := range assigned(n) {
				if g := v.global(x); g != nil {
					v.written[g] = true
				}
			}
			return true
		})
	}
}

func (v *vet) silence(c *ast.Comment, reason string) {
	if reason == "" {
		v.pass.Reportf(c.Pos(), "streamvet:ignore needs a reason behind it")
		return
	}
	at := v.pass.Fset.Position(c.Pos())
	lines := v.ignored[at.Filename]
	if lines == nil {
		lines = map[int]bool{}
		v.ignored[at.Filename] = lines
	}
	lines[at.Line], lines[at.Line+1] = true, true
}

func (v *vet) report(pos token.Pos, format string, args ...any) {
	at := v.pass.Fset.Position(pos)
	if !v.ignored[at.Filename][at.Line] {
		v.pass.Reportf(pos, format, args...)
	}
}

func (v *vet) object(d *ast.FuncDecl) *types.Func {
	f, _ := v.pass.TypesInfo.Defs[d.Name].(*types.Func)
	return f
}

// global is the variable of this package that an expression's root names, or nil.
func (v *vet) global(x ast.Expr) *types.Var {
	for {
		switch e := x.(type) {
		case *ast.ParenExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.SelectorExpr:
			x = e.X
		case *ast.Ident:
			g, _ := v.pass.TypesInfo.Uses[e].(*types.Var)
			if g != nil && g.Parent() == v.pass.Pkg.Scope() {
				return g
			}
			return nil
		default:
			return nil
		}
	}
}

// assigned are the expressions that a statement writes to.
func assigned(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	}
	return nil
}
