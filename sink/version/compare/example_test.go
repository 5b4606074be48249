package compare_test

import (
	"fmt"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/compare"
)

// Visits of 10:00 to 10:40 in one piece became two.
func ExampleTables() {
	columns := []version.Column{{Name: "user", Key: 1}, {Name: "start", Key: 2}, {Name: "end"}}
	row := func(user string, start, end int64) []version.Value {
		return []version.Value{version.Text(user), version.Int(start), version.Int(end)}
	}
	older := rowsOf(columns, [][]version.Value{row("ann", 1000, 1040), row("bob", 1100, 1105)})
	newer := rowsOf(columns, [][]version.Value{row("ann", 1000, 1010), row("ann", 1030, 1040), row("bob", 1100, 1105)})
	report, err := compare.Tables(older, newer, compare.Options{Intervals: compare.Intervals{Start: "start", End: "end"}, Limit: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	report.Table, report.Old, report.New = "visits", "v1", "v2"
	fmt.Print(report.Text())
	// Output:
	// visits: v1 has 2 rows, v2 has 3
	//
	// By key (user, start), 66.67 % differ:
	//   1 equal
	//   1 changed: end 1
	//   1 only in v2
	//
	// 2 visits became 3:
	//   1 unchanged
	//   1 split into 2
	// 2 = 1 + 1
	// 3 = 1 + 2
	//
	// The first difference:
	//              user  start  end
	//   split  v1  ann   1000   1040
	//          v2  ann   1000   1010
	//          v2  ann   1030   1040
}
