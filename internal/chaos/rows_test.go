//go:build integration

package chaos

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/stream"
)

// row is a result of any kind: what it is about, and all that is said of it. Rows of one key replace each other where a sink can do that.
type row struct{ Key, Value string }

// The results of the job, each with a sink of its own.
const (
	sessionsOut = "sessions"
	lateOut     = "late"
	hoursOut    = "hours"
)

func sessionRow(s oracle.SessionRow) row {
	return row{Key: fmt.Sprintf("%d-%d %s", s.Start, s.End, s.UserID), Value: strings.Join(s.Fields()[1:], " ")}
}

func hourRow(start int64, c counts) row {
	return row{Key: fmt.Sprint(start), Value: fmt.Sprintf("%d %d", c.Sessions, c.Events)}
}

// wanted is the exact answer for a log, by result, and what has to become of the records of its partitions.
func wanted(log oracle.Log, s jobSpec) (map[string][]row, stream.Ledger, error) {
	params := oracle.Params{Gap: gap.Milliseconds(), Bound: bound.Milliseconds(), Lateness: s.LatenessMs}
	table, err := oracle.Final(log, params)
	if err != nil {
		return nil, nil, err
	}
	var ledger stream.Ledger
	for partition, f := range table.Fates(log, params) {
		ledger = append(ledger, stream.LedgerEntry{Operator: "clicks", Split: fmt.Sprintf("%s/%d", s.Topic, partition), Counts: stream.LedgerCounts{In: int64(f.Read), Used: int64(f.Used), Late: int64(f.Late), Filtered: int64(f.Apart)}})
	}
	want := map[string][]row{}
	hours := map[int64]counts{}
	for _, session := range table.Sessions() {
		want[sessionsOut] = append(want[sessionsOut], sessionRow(session))
		h := (session.End + gap.Milliseconds() - 1) / hour * hour
		hours[h] = hourly{}.Add(hours[h], session)
	}
	for _, l := range table.LateRows() {
		want[lateOut] = append(want[lateOut], row{Key: fmt.Sprintf("%d/%d", l.Partition, l.Offset), Value: fmt.Sprintf("%d %s", l.Timestamp, l.UserID)})
	}
	if !s.Local {
		for start, c := range hours {
			want[hoursOut] = append(want[hoursOut], hourRow(start, c))
		}
	}
	return want, ledger, nil
}

// difference counts the wanted rows that are missing, and the rows that are there twice or were not wanted; each with an example.
func difference(got, want []row) (losses, duplicates int64, examples []string) {
	left := map[row]int{}
	for _, r := range want {
		left[r]++
	}
	for _, r := range got {
		if left[r]--; left[r] < 0 {
			if duplicates++; duplicates == 1 {
				examples = append(examples, fmt.Sprintf("too many of %q", r))
			}
		}
	}
	for r, n := range left {
		if n > 0 {
			if losses == 0 {
				examples = append(examples, fmt.Sprintf("missing %q", r))
			}
			losses += int64(n)
		}
	}
	return losses, duplicates, examples
}
