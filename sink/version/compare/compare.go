// Package compare tells two versions of a table apart: which rows are only in one, which have changed and in what, and, for rows that are intervals of
// time such as sessions, why: which were split, merged or moved.
//
// Both tables are read once, in the order of their key, and merged; what is kept beside does not grow with them.
package compare

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/sink/version"
)

// Options is what may be said of a comparison. The zero value compares rows by their key.
type Options struct {
	// Intervals says which columns make rows intervals, and asks for reasons. The zero value says that they are none.
	Intervals Intervals
	// Ignore names columns that are not compared, nor shown: such as where a row comes from, which always differs. One that is not there, or in the key, is no matter.
	Ignore []string
	// Limit is how many differences the report shows; 0 shows none. All are counted.
	Limit int
}

// Intervals names the columns of rows that are intervals of time: integers, from Start to End, both included. Start is the last column of the key; the columns before it say
// whose interval it is. Intervals of one owner within one version do not overlap.
type Intervals struct{ Start, End string }

// Versions compares a reader's table of two versions, and what part of the log they have read.
func Versions(ctx context.Context, c version.Catalog, table, older, newer string, o Options) (Report, error) {
	reader, ok := c.(version.Reader)
	if !ok {
		return Report{}, fmt.Errorf("the rows of %s in versions %s and %s cannot be compared: their place cannot be read back", table, older, newer)
	}
	list, err := c.List(ctx)
	if err != nil {
		return Report{}, err
	}
	var logs [2][]version.Extent
	var rows [2]version.Rows
	for i, name := range []string{older, newer} {
		v, ok := list.Version(name)
		if !ok {
			return Report{}, fmt.Errorf("version %s: %w", name, version.ErrUnknown)
		}
		logs[i] = v.Log
		if rows[i], err = reader.Rows(ctx, name, table); err != nil {
			return Report{}, err
		}
	}
	report, err := Tables(rows[0], rows[1], o)
	report.Table, report.Old, report.New = table, older, newer
	report.Log = Logs(logs[0], logs[1])
	return report, err
}

// Tables compares two tables. Their keys must have the same columns; of the others, those that both have are compared.
func Tables(older, newer version.Rows, o Options) (Report, error) {
	m, err := newMerge(older, newer, o)
	if err != nil {
		return Report{}, err
	}
	err = m.run(older.All, newer.All)
	return m.report, err
}
