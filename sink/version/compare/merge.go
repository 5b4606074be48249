package compare

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink/version"
)

// side is one of the tables while it is merged.
type side struct {
	name  string
	next  func() ([]version.Value, error, bool)
	order []int // the table's columns in the order of the report
	row   []version.Value
	done  bool
}

// advance reads the next row, in the order of the report's columns, and sees that it comes in the order of the key.
func (s *side) advance(keys []int) error {
	raw, err, ok := s.next()
	if err != nil {
		return err
	}
	if !ok {
		s.done, s.row = true, nil
		return nil
	}
	row := make([]version.Value, len(s.order))
	for i, at := range s.order {
		row[i] = raw[at]
	}
	if s.row != nil && version.CompareKeys(s.row, row, keys) >= 0 {
		return fmt.Errorf("the rows of the %s version do not come in the order of their key: %s stands before %s", s.name, shownKey(s.row, keys), shownKey(row, keys))
	}
	s.row = row
	return nil
}

func shownKey(row []version.Value, keys []int) string {
	var parts []string
	for _, k := range keys {
		parts = append(parts, row[k].String())
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// merge walks two tables together.
type merge struct {
	report   Report
	limit    int
	older    side
	newer    side
	keys     []int // 0, 1, ... : the key's columns come first in the report
	changes  []int64
	overlaps *overlaps // nil without intervals
}

func newMerge(older, newer version.Rows, o Options) (*merge, error) {
	m := &merge{limit: o.Limit, older: side{name: "old"}, newer: side{name: "new"}}
	m.report.Key = keyNames(older)
	if other := keyNames(newer); len(m.report.Key) == 0 || !slices.Equal(m.report.Key, other) {
		return nil, fmt.Errorf("the versions have the keys (%s) and (%s), and rows can only be compared by the same", strings.Join(m.report.Key, ", "), strings.Join(other, ", "))
	}
	m.report.Columns = slices.Clone(m.report.Key)
	for _, c := range older.Columns {
		switch {
		case c.Key > 0 || slices.Contains(o.Ignore, c.Name):
		case index(newer, c.Name) < 0:
			m.report.OnlyOld = append(m.report.OnlyOld, c.Name)
		default:
			m.report.Columns = append(m.report.Columns, c.Name)
		}
	}
	for _, c := range newer.Columns {
		if index(older, c.Name) < 0 && !slices.Contains(o.Ignore, c.Name) {
			m.report.OnlyNew = append(m.report.OnlyNew, c.Name)
		}
	}
	for i, name := range m.report.Columns {
		m.older.order = append(m.older.order, index(older, name))
		m.newer.order = append(m.newer.order, index(newer, name))
		if i < len(m.report.Key) {
			m.keys = append(m.keys, i)
		}
	}
	m.changes = make([]int64, len(m.report.Columns))
	if o.Intervals != (Intervals{}) {
		var err error
		if m.overlaps, err = newOverlaps(&m.report, o.Intervals, m.example); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func keyNames(r version.Rows) (names []string) {
	for _, k := range r.Keys() {
		names = append(names, r.Columns[k].Name)
	}
	return names
}

func index(r version.Rows, name string) int {
	return slices.IndexFunc(r.Columns, func(c version.Column) bool { return c.Name == name })
}

func (m *merge) run(older, newer iter.Seq2[[]version.Value, error]) error {
	var stops [2]func()
	m.older.next, stops[0] = iter.Pull2(older)
	defer stops[0]()
	m.newer.next, stops[1] = iter.Pull2(newer)
	defer stops[1]()
	if err := m.older.advance(m.keys); err != nil {
		return err
	}
	if err := m.newer.advance(m.keys); err != nil {
		return err
	}
	for !m.older.done || !m.newer.done {
		if err := m.step(); err != nil {
			return err
		}
	}
	if m.overlaps != nil {
		m.overlaps.close()
	}
	for i, n := range m.changes {
		if n > 0 {
			m.report.Changes = append(m.report.Changes, Change{m.report.Columns[i], n})
		}
	}
	return nil
}

// step takes the lowest key that is left, from one side or both.
func (m *merge) step() error {
	var order int
	switch {
	case m.older.done:
		order = 1
	case m.newer.done:
		order = -1
	default:
		order = version.CompareKeys(m.older.row, m.newer.row, m.keys)
	}
	var o, n []version.Value
	if order <= 0 {
		o = m.older.row
		m.report.Rows.Old++
	}
	if order >= 0 {
		n = m.newer.row
		m.report.Rows.New++
	}
	m.count(o, n)
	if m.overlaps != nil {
		if err := m.overlaps.add(o, n); err != nil {
			return err
		}
	}
	if o != nil {
		if err := m.older.advance(m.keys); err != nil {
			return err
		}
	}
	if n != nil {
		return m.newer.advance(m.keys)
	}
	return nil
}

// count judges the rows of one key, of which one may be missing.
func (m *merge) count(o, n []version.Value) {
	reason := Changed
	switch {
	case n == nil:
		m.report.Rows.OnlyOld++
		reason = OnlyOld
	case o == nil:
		m.report.Rows.OnlyNew++
		reason = OnlyNew
	case same(o, n):
		m.report.Rows.Equal++
		return
	default:
		m.report.Rows.Changed++
		for i := range o {
			if o[i].Compare(n[i]) != 0 {
				m.changes[i]++
			}
		}
	}
	if m.overlaps == nil { // else the example is the whole overlap
		e := Example{Reason: reason}
		if o != nil {
			e.Old = [][]version.Value{o}
		}
		if n != nil {
			e.New = [][]version.Value{n}
		}
		m.example(e)
	}
}

func same(a, b []version.Value) bool {
	return slices.EqualFunc(a, b, func(x, y version.Value) bool { return x.Compare(y) == 0 })
}

// example shows a difference, if there is still room.
func (m *merge) example(e Example) {
	if len(m.report.Examples) < m.limit {
		m.report.Examples = append(m.report.Examples, e)
	}
}
