package lint

import (
	"go/ast"
	"slices"
	"strconv"
	"testing"
)

// pure are the directories whose code may not ask what time it is, nor roll dice, by itself. What faces the outside there (stream/web, stream/prom) names clock.Real, so that
// each such place can be found.
var pure = []string{
	"stream", "window", "source/limit", "watermark", "state/memory",
	"internal/runtime", "internal/keyed", "internal/windowing", "internal/exchange", "internal/flow", "internal/checkpoint", "internal/keygroup", "internal/partitioner", "internal/metrics",
}

var realTime = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestRealTimeHasOneDoor(t *testing.T) {
	for _, f := range goFiles(t) {
		if isTest(f.name) || !within(f.dir(), pure...) {
			continue
		}
		timeName := ""
		for _, i := range f.syntax.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			switch path {
			case "time":
				if timeName = "time"; i.Name != nil {
					timeName = i.Name.Name
				}
			case "math/rand", "math/rand/v2", "crypto/rand":
				t.Errorf("%s imports %s: what the engine does must not depend on chance; take a seed as a parameter", f.at(i), path)
			}
		}
		if timeName == "" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == timeName && slices.Contains(realTime, s.Sel.Name) {
				t.Errorf("%s: time.%s in the engine: use the job's clock (internal/clock), so that tests move time themselves", f.at(s), s.Sel.Name)
			}
			return true
		})
	}
}
