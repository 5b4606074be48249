package oracle

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// SessionRow is a session as the click-stream job reports it.
type SessionRow struct {
	UserID     string
	Start, End int64 // times of the first and the last event, not the window's bounds
	DurationMs int64
	Events     int64
	AddToCarts int64 // events of kind add_to_cart
	Checkouts  int64 // events of kind checkout
	Abandoned  bool  // a cart was filled and nothing checked out
}

// LateRow is a late record as the click-stream job reports it.
type LateRow struct {
	UserID    string
	Timestamp int64
	Partition int
	Offset    int64
}

var (
	sessionHeader = []string{"user_id", "session_start", "session_end", "duration_ms", "events", "add_to_carts", "checkouts", "abandoned"}
	lateHeader    = []string{"user_id", "event_timestamp", "partition", "offset"}
)

// Session makes the row of one session window.
func Session(key string, events []Record) SessionRow {
	row := SessionRow{UserID: key, Start: events[0].Timestamp, End: events[0].Timestamp, Events: int64(len(events))}
	for _, e := range events {
		row.Start = min(row.Start, e.Timestamp)
		row.End = max(row.End, e.Timestamp)
		switch e.Kind {
		case "add_to_cart":
			row.AddToCarts++
		case "checkout":
			row.Checkouts++
		}
	}
	row.DurationMs = row.End - row.Start
	row.Abandoned = row.AddToCarts > 0 && row.Checkouts == 0
	return row
}

// Sessions makes the rows of a table of session windows, sorted by user and start.
func (t Table) Sessions() []SessionRow {
	rows := make([]SessionRow, len(t.Results))
	for i, r := range t.Results {
		rows[i] = Session(r.Key, r.Events)
	}
	SortSessions(rows)
	return rows
}

// LateRows makes the rows of the table's late records, by partition and offset.
func (t Table) LateRows() []LateRow {
	rows := make([]LateRow, len(t.Late))
	for i, r := range t.Late {
		rows[i] = LateRow{r.Key, r.Timestamp, r.Partition, r.Offset}
	}
	return rows
}

// SortSessions sorts by user (bytes) and start, the order of the files, and by end, where a late record has begun a session at the start of one that was cleaned up.
func SortSessions(rows []SessionRow) {
	slices.SortFunc(rows, func(a, b SessionRow) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
}

// Fields are the row's values in the order of the CSV columns.
func (r SessionRow) Fields() []string {
	abandoned := "0"
	if r.Abandoned {
		abandoned = "1"
	}
	return []string{r.UserID, itoa(r.Start), itoa(r.End), itoa(r.DurationMs), itoa(r.Events), itoa(r.AddToCarts), itoa(r.Checkouts), abandoned}
}

// Fields are the row's values in the order of the CSV columns.
func (r LateRow) Fields() []string {
	return []string{r.UserID, itoa(r.Timestamp), strconv.Itoa(r.Partition), itoa(r.Offset)}
}

// WriteSessions writes CSV with a header, in the rows' order.
func WriteSessions(w io.Writer, rows []SessionRow) error { return writeCSV(w, sessionHeader, rows) }

// WriteLate writes CSV with a header, in the rows' order.
func WriteLate(w io.Writer, rows []LateRow) error { return writeCSV(w, lateHeader, rows) }

// ReadSessions reads what WriteSessions writes. An error names the line.
func ReadSessions(r io.Reader) ([]SessionRow, error) {
	return readCSV(r, sessionHeader, func(user string, n []int64) SessionRow {
		return SessionRow{user, n[0], n[1], n[2], n[3], n[4], n[5], n[6] != 0}
	})
}

// ReadLate reads what WriteLate writes. An error names the line.
func ReadLate(r io.Reader) ([]LateRow, error) {
	return readCSV(r, lateHeader, func(user string, n []int64) LateRow { return LateRow{user, n[0], int(n[1]), n[2]} })
}

func writeCSV[R interface{ Fields() []string }](w io.Writer, header []string, rows []R) error {
	c := csv.NewWriter(w)
	lines := [][]string{header}
	for _, r := range rows {
		lines = append(lines, r.Fields())
	}
	return c.WriteAll(lines)
}

// readCSV reads rows of a user and numbers.
func readCSV[R any](r io.Reader, header []string, row func(user string, numbers []int64) R) ([]R, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord = len(header)
	got, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if !slices.Equal(got, header) {
		return nil, fmt.Errorf("header is %q, want %q", got, header)
	}
	var rows []R
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		numbers := make([]int64, len(fields)-1)
		for i, f := range fields[1:] {
			if numbers[i], err = strconv.ParseInt(f, 10, 64); err != nil {
				line, _ := c.FieldPos(i + 1)
				return nil, fmt.Errorf("line %d, column %s: %w", line, header[i+1], err)
			}
		}
		rows = append(rows, row(fields[0], numbers))
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
