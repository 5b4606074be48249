package streamvet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

const module = "github.com/millrace/millrace/"

// operators are the packages whose functions take user functions.
var operators = map[string]bool{module + "stream": true, module + "watermark": true, module + "window": true}

// notOfTheData are functions of those packages whose parameters do not make results.
var notOfTheData = map[string]bool{"Logger": true, "WithMeter": true, "UnderTest": true, "Trace": true}

// callbacks are the methods of user types that the engine calls with data, beside those that take a *stream.Context.
var callbacks = map[string]bool{"New": true, "Add": true, "Merge": true, "Result": true, "Retract": true, "OnRecord": true, "OnElement": true, "OnTime": true, "Assign": true}

// takesContext reports whether a function's parameters say that it is a user function: one is a *stream.Context.
func takesContext(f *types.Func) bool {
	if f == nil {
		return false
	}
	params := f.Signature().Params()
	for v := range params.Variables() {
		p, ok := v.Type().(*types.Pointer)
		if !ok {
			continue
		}
		if n, ok := p.Elem().(*types.Named); ok && n.Obj().Name() == "Context" && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == module+"stream" {
			return true
		}
	}
	return false
}

// operator looks into what a call gives to an operator: functions, and values whose methods the engine calls.
func (v *vet) operator(call *ast.CallExpr) {
	f := typeutil.StaticCallee(v.pass.TypesInfo, call)
	if f == nil || f.Pkg() == nil || !operators[f.Pkg().Path()] || f.Signature().Recv() != nil || notOfTheData[f.Name()] {
		return
	}
	for _, a := range call.Args {
		v.argument(a)
	}
}

func (v *vet) argument(a ast.Expr) {
	a = ast.Unparen(a)
	if lit, ok := a.(*ast.FuncLit); ok {
		v.enter(lit)
		return
	}
	t := v.pass.TypesInfo.TypeOf(a)
	if t == nil {
		return
	}
	if _, ok := t.Underlying().(*types.Signature); ok {
		v.enterFunc(v.named(a))
		return
	}
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() != v.pass.Pkg {
		return
	}
	for m := range n.Origin().Methods() {
		if callbacks[m.Name()] {
			v.enterFunc(m)
		}
	}
}

// named is the declared function that an expression names, or nil.
func (v *vet) named(x ast.Expr) *types.Func {
	switch e := ast.Unparen(x).(type) {
	case *ast.Ident:
		f, _ := v.pass.TypesInfo.Uses[e].(*types.Func)
		return f
	case *ast.SelectorExpr:
		f, _ := v.pass.TypesInfo.Uses[e.Sel].(*types.Func)
		return f
	case *ast.IndexExpr:
		return v.named(e.X)
	}
	return nil
}

// enterFunc looks into a function of this package.
func (v *vet) enterFunc(f *types.Func) {
	if f == nil {
		return
	}
	if d := v.decls[f.Origin()]; d != nil && !strings.HasSuffix(v.pass.Fset.Position(d.Pos()).Filename, ".pb.go") {
		v.enter(d)
	}
}
