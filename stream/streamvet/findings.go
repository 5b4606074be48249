package streamvet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// clocks are what in package time depends on when it is called.
var clocks = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true,
}

// seeded are the functions of the random packages whose result a seed decides.
var seeded = map[string]bool{"New": true, "NewPCG": true, "NewChaCha8": true, "NewSource": true, "NewZipf": true}

// enter looks into a function's body once, and into what it calls in this package.
func (v *vet) enter(fn ast.Node) {
	if v.seen[fn] {
		return
	}
	v.seen[fn] = true
	body := bodyOf(fn)
	if body == nil {
		return
	}
	writes := map[ast.Expr]bool{} // roots of what is written, so that a write is not also reported as a read
	ast.Inspect(body, func(n ast.Node) bool {
		for _, x := range assigned(n) {
			if g := v.global(x); g != nil {
				writes[rootOf(x)] = true
				v.report(x.Pos(), "user function writes %s, a variable of the package: tasks share it and no checkpoint holds it; keep it in keyed state or in a field of a PerTask function", g.Name())
			}
		}
		switch n := n.(type) {
		case *ast.GoStmt:
			v.report(n.Pos(), "user function starts a goroutine: what it does has no place in the order of the log; do the work in the function, or behind the sink")
		case *ast.CallExpr:
			v.call(n)
		case *ast.RangeStmt:
			v.overMap(n, body)
		case *ast.Ident:
			v.use(n, writes)
		}
		return true
	})
}

func bodyOf(fn ast.Node) *ast.BlockStmt {
	switch f := fn.(type) {
	case *ast.FuncDecl:
		return f.Body
	case *ast.FuncLit:
		return f.Body
	}
	return nil
}

func rootOf(x ast.Expr) ast.Expr {
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
		default:
			return x
		}
	}
}

func (v *vet) call(call *ast.CallExpr) {
	f := typeutil.StaticCallee(v.pass.TypesInfo, call)
	if f == nil || f.Pkg() == nil {
		return
	}
	method := f.Signature().Recv() != nil
	switch path := f.Pkg().Path(); {
	case f.Pkg() == v.pass.Pkg:
		v.enterFunc(f)
	case path == "time" && !method && clocks[f.Name()]:
		v.report(call.Pos(), "user function calls time.%s: a replay gives another result; use the record's time, or Context.ProcessingTime where the wall clock is meant", f.Name())
	case (path == "math/rand" || path == "math/rand/v2") && !method && !seeded[f.Name()], path == "crypto/rand":
		v.report(call.Pos(), "user function calls %s.%s: a replay gives another result; derive the number from the record, by a hash or a seeded generator", f.Pkg().Name(), f.Name())
	}
}

// use reports a read of a variable of the package that something writes.
func (v *vet) use(id *ast.Ident, writes map[ast.Expr]bool) {
	g, _ := v.pass.TypesInfo.Uses[id].(*types.Var)
	if g == nil || g.Parent() != v.pass.Pkg.Scope() || !v.written[g] || writes[id] {
		return
	}
	v.report(id.Pos(), "user function reads %s, a variable of the package that is written elsewhere: results depend on when; give it to the function as a field, or keep it in state", g.Name())
}
