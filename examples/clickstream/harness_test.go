package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/oracle"
)

// asProgram is the environment variable that makes the test binary be the program: tests that kill it need processes.
const asProgram = "CLICKSTREAM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	testdata = "../../internal/oracle/testdata"
	minute   = int64(60_000)
)

// The tables of the first version.
const (
	sessionsV1 = sessionsTable + "_v1"
	metricsV1  = "session_metrics_v1"
	lateV1     = lateTable + "_v1"
)

// output collects what a command prints; it may be read while the command runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// command runs the program within the test. Messages are what it says on standard error.
func command(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) (messages string, err error) {
	var errs output
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(&errs)
	err = root.ExecuteContext(ctx)
	return errs.String(), err
}

// do runs the program and demands that it succeeds.
func do(t testing.TB, args ...string) (messages string) {
	t.Helper()
	messages, err := command(t.Context(), strings.NewReader(""), io.Discard, args...)
	require.NoError(t, err, messages)
	return messages
}

// refuse runs the program and demands that it fails.
func refuse(t testing.TB, args ...string) string {
	t.Helper()
	messages, err := command(t.Context(), strings.NewReader(""), io.Discard, args...)
	require.Error(t, err, messages)
	return err.Error()
}

// wantSessions reads the exact sessions of a file in testdata, sorted.
func wantSessions(t testing.TB, name string) []oracle.SessionRow {
	t.Helper()
	rows, err := oracle.ReadFile(filepath.Join(testdata, name), oracle.ReadSessions)
	require.NoError(t, err)
	oracle.SortSessions(rows)
	return rows
}

// csvSessions reads what --sink csv: wrote, header included.
func csvSessions(t testing.TB, path string) []oracle.SessionRow {
	t.Helper()
	rows, err := oracle.ReadFile(path, oracle.ReadSessions)
	require.NoError(t, err)
	oracle.SortSessions(rows)
	return rows
}

// sqliteRows reads a table as text, sorted by its first two columns.
func sqliteRows(t testing.TB, path, table string) [][]string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	rs, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" ORDER BY 1, 2")
	require.NoError(t, err)
	defer rs.Close()
	names, err := rs.Columns()
	require.NoError(t, err)
	var rows [][]string
	for rs.Next() {
		row := make([]string, len(names))
		cells := make([]any, len(names))
		for i := range row {
			cells[i] = &row[i]
		}
		require.NoError(t, rs.Scan(cells...))
		rows = append(rows, row)
	}
	require.NoError(t, rs.Err())
	return rows
}

// sessionsOf turns rows of text into sessions, sorted.
func sessionsOf(t testing.TB, rows [][]string) []oracle.SessionRow {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	require.NoError(t, w.Write(oracleHeader))
	require.NoError(t, w.WriteAll(rows))
	sessions, err := oracle.ReadSessions(&b)
	require.NoError(t, err)
	oracle.SortSessions(sessions)
	return sessions
}

var oracleHeader = []string{"user_id", "session_start", "session_end", "duration_ms", "events", "add_to_carts", "checkouts", "abandoned"}

// wantMetrics computes the hourly metrics of finished sessions, by the hour in which their gap had passed.
func wantMetrics(sessions []oracle.SessionRow, gap int64) [][]string {
	const hour = 60 * minute
	type sums struct{ sessions, withCart, abandoned, duration int64 }
	hours := map[int64]sums{}
	for _, s := range sessions {
		start := (s.End + gap - 1) / hour * hour
		h := hours[start]
		h.sessions++
		h.duration += s.DurationMs
		if s.AddToCarts > 0 {
			h.withCart++
		}
		if s.Abandoned {
			h.abandoned++
		}
		hours[start] = h
	}
	var rows [][]string
	for start, h := range hours {
		rate := 0.0
		if h.withCart > 0 {
			rate = float64(h.abandoned) / float64(h.withCart)
		}
		rows = append(rows, []string{
			strconv.FormatInt(start, 10), strconv.FormatInt(h.sessions, 10), strconv.FormatInt(h.withCart, 10), strconv.FormatInt(h.abandoned, 10),
			number(rate), number(float64(h.duration) / float64(h.sessions)),
		})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// metricsOf puts the numbers of metrics rows into one form.
func metricsOf(t testing.TB, rows [][]string) [][]string {
	t.Helper()
	for _, row := range rows {
		require.Len(t, row, 6)
		for i := 4; i < 6; i++ {
			f, err := strconv.ParseFloat(row[i], 64)
			require.NoError(t, err)
			row[i] = number(f)
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

// same fails with the first difference only.
func same[T any](t testing.TB, want, got []T) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if w, g := fmt.Sprint(want[i]), fmt.Sprint(got[i]); w != g {
			t.Fatalf("row %d of %d (want %d): got %s, want %s", i, len(got), len(want), g, w)
		}
	}
	if len(want) != len(got) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

// csvRows reads the rows of a CSV file, without its header.
func csvRows(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}

// sqliteRowsIfAny is the sessions' rows, none while the table is not there.
func sqliteRowsIfAny(t testing.TB, path string) [][]string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+sessionsV1).Scan(&n); err != nil || n == 0 {
		return nil
	}
	return sqliteRows(t, path, sessionsV1)
}
