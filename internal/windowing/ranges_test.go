package windowing

import (
	"reflect"
	"testing"

	"github.com/millrace/millrace/internal/flow"
)

func TestPlaces(t *testing.T) {
	var a, b live[int]
	at := func(l *live[int], split int32, offset int64, retract bool) {
		l.note(&flow.Meta{Split: split, Offset: offset, Retract: retract})
		if l.count++; retract {
			l.count -= 2
		}
	}
	check := func(what string, l *live[int], want ...Range) {
		t.Helper()
		if got := l.places(); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("nothing", &a)
	at(&a, 3, 10, false)
	check("one", &a, Range{3, 10, 10, 1})
	at(&a, 3, 7, false)
	check("earlier", &a, Range{3, 7, 10, 2})
	at(&b, flow.NoSplit, 0, false)
	check("a result of a timer", &b, Range{flow.NoSplit, 0, 0, 1})
	at(&b, 1, 5, false)
	at(&b, 3, 12, false)
	a.join(&b)
	a.count += b.count
	want := []Range{{1, 5, 5, 1}, {3, 7, 12, 3}, {flow.NoSplit, 0, 0, 1}}
	check("joined", &a, want...)
	check("asked again", &a, want...)
	check("the other, as it was", &b, Range{1, 5, 5, 1}, Range{3, 12, 12, 1}, Range{flow.NoSplit, 0, 0, 1})
	at(&a, 3, 12, true)
	at(&a, 1, 5, true)
	check("taken back", &a, Range{3, 7, 12, 2}, Range{flow.NoSplit, 0, 0, 1})
	at(&b, 1, 5, true)
	at(&b, 3, 12, true)
	at(&b, flow.NoSplit, 0, true)
	check("all taken back", &b)
	at(&b, 2, 1, false)
	check("begun again", &b, Range{2, 1, 1, 1})
	a.join(&live[int]{})
	check("joined with nothing", &a, Range{3, 7, 12, 2}, Range{flow.NoSplit, 0, 0, 1})
}
