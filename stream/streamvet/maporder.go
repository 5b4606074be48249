package streamvet

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// overMap reports a loop over a map whose order reaches a result.
func (v *vet) overMap(loop *ast.RangeStmt, body *ast.BlockStmt) {
	if !v.unordered(loop.X) {
		return
	}
	how := ""
	ast.Inspect(loop.Body, func(n ast.Node) bool {
		if how != "" {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if v.emits(n) {
				how = "it emits in the loop"
			}
		case *ast.ReturnStmt:
			if v.uses(n, loop) {
				how = "it returns what it met first"
			}
		case *ast.AssignStmt:
			how = v.gathers(n, loop, body)
		}
		return true
	})
	if how != "" {
		v.report(loop.Pos(), "user function ranges over a map and %s: the order is another each time; range over slices.Sorted(maps.Keys(m))", how)
	}
}

// unordered reports whether ranging over x has no order: a map, or an iterator that package maps made of one.
func (v *vet) unordered(x ast.Expr) bool {
	if t := v.pass.TypesInfo.TypeOf(x); t != nil {
		if _, ok := t.Underlying().(*types.Map); ok {
			return true
		}
	}
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return false
	}
	f := typeutil.StaticCallee(v.pass.TypesInfo, call)
	return f != nil && f.Pkg() != nil && f.Pkg().Path() == "maps" && (f.Name() == "Keys" || f.Name() == "Values" || f.Name() == "All")
}

// emits reports whether a call sends a result on: Collector.Emit, stream.EmitTo, or the emit function that FlatMap gives.
func (v *vet) emits(call *ast.CallExpr) bool {
	if f := typeutil.StaticCallee(v.pass.TypesInfo, call); f != nil {
		return f.Pkg() != nil && f.Pkg().Path() == module+"stream" && (f.Name() == "Emit" || f.Name() == "EmitTo")
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	emit, _ := v.pass.TypesInfo.Uses[id].(*types.Var)
	if emit == nil {
		return false
	}
	sig, ok := emit.Type().Underlying().(*types.Signature)
	return ok && sig.Results().Len() == 0 && sig.Params().Len() == 1
}

// uses reports whether a return's values come from the loop's variables.
func (v *vet) uses(ret *ast.ReturnStmt, loop *ast.RangeStmt) (found bool) {
	for _, r := range ret.Results {
		ast.Inspect(r, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && v.pass.TypesInfo.Uses[id] != nil {
				for _, x := range []ast.Expr{loop.Key, loop.Value} {
					if of, ok := x.(*ast.Ident); ok && v.pass.TypesInfo.Uses[id] == v.pass.TypesInfo.Defs[of] {
						found = true
					}
				}
			}
			return !found
		})
	}
	return found
}

// gathers says how an assignment in the loop lets its order into a variable from outside, or "".
func (v *vet) gathers(a *ast.AssignStmt, loop *ast.RangeStmt, body *ast.BlockStmt) string {
	if len(a.Lhs) != 1 || len(a.Rhs) != 1 {
		return ""
	}
	id, ok := ast.Unparen(a.Lhs[0]).(*ast.Ident)
	if !ok {
		return ""
	}
	x, _ := v.pass.TypesInfo.Uses[id].(*types.Var)
	if x == nil || loop.Pos() <= x.Pos() && x.Pos() < loop.End() {
		return ""
	}
	if a.Tok == token.ADD_ASSIGN {
		if b, ok := x.Type().Underlying().(*types.Basic); ok && b.Info()&(types.IsString|types.IsFloat|types.IsComplex) != 0 {
			return "it adds up " + b.Name() + "s in the loop, whose sum depends on the order"
		}
		return ""
	}
	call, ok := ast.Unparen(a.Rhs[0]).(*ast.CallExpr)
	if !ok || a.Tok != token.ASSIGN {
		return ""
	}
	if f, ok := ast.Unparen(call.Fun).(*ast.Ident); !ok || v.pass.TypesInfo.Uses[f] != types.Universe.Lookup("append") {
		return ""
	}
	if v.sortedAfter(x, loop, body) {
		return ""
	}
	return "it appends to " + x.Name() + ", which is not sorted afterwards"
}

// sortedAfter reports whether a call behind the loop sorts the variable.
func (v *vet) sortedAfter(x *types.Var, loop *ast.RangeStmt, body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < loop.End() || found {
			return !found
		}
		f := typeutil.StaticCallee(v.pass.TypesInfo, call)
		if f == nil || f.Pkg() == nil || (f.Pkg().Path() != "slices" && f.Pkg().Path() != "sort") {
			return true
		}
		for _, a := range call.Args {
			if id, ok := ast.Unparen(a).(*ast.Ident); ok && v.pass.TypesInfo.Uses[id] == x {
				found = true
			}
		}
		return !found
	})
	return found
}
