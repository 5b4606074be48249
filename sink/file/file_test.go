package file_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
)

func open[T any](t *testing.T, s sink.Sink[T], subtask int) (sink.Writer[T], sink.Committer) {
	t.Helper()
	return openEnv(t, s, sink.Env{Subtask: subtask})
}

func openEnv[T any](t *testing.T, s sink.Sink[T], env sink.Env) (sink.Writer[T], sink.Committer) {
	t.Helper()
	w, err := s.Open(t.Context(), env)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w, w.(sink.Committer)
}

func one(id string) []sink.Row[record] { return []sink.Row[record]{{Value: record{ID: id}}} }

func prepare(t *testing.T, c sink.Committer, checkpoint int64, last bool) []byte {
	t.Helper()
	pending, err := c.Prepare(t.Context(), checkpoint, last)
	require.NoError(t, err)
	return pending
}

// run writes one row and ends the job.
func run(t *testing.T, s sink.Sink[record], id string) []byte {
	t.Helper()
	w, c := open(t, s, 0)
	require.NoError(t, w.Write(t.Context(), one(id)))
	pending := prepare(t, c, 1, true)
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, w.Close())
	return pending
}

func TestExistingResultIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	s := file.CSV(path, sinktest.Columns)
	run(t, s, "first")
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	w, c := open(t, s, 0)
	require.ErrorIs(t, w.Write(t.Context(), one("second")), file.ErrExists)
	_, err = c.Prepare(t.Context(), 1, false)
	require.ErrorIs(t, err, file.ErrExists)
	require.ErrorContains(t, err, path)
	require.ErrorIs(t, c.Recover(t.Context(), nil), file.ErrExists)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	require.NoFileExists(t, path+".inprogress")
}

func TestResultThatAppearedMeanwhileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	w, c := open(t, file.CSV(path, sinktest.Columns), 0)
	require.NoError(t, w.Write(t.Context(), one("ours")))
	pending := prepare(t, c, 1, true)
	require.NoError(t, os.WriteFile(path, []byte("theirs"), 0o644))
	require.ErrorIs(t, c.Commit(t.Context(), pending), file.ErrExists)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "theirs", string(got))
}

func TestTwoWritersOfOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	w, _ := open(t, file.CSV(path, sinktest.Columns), 0)
	require.NoError(t, w.Write(t.Context(), one("a")))
	other, _ := open(t, file.CSV(path, sinktest.Columns), 0)
	require.ErrorIs(t, other.Write(t.Context(), one("b")), file.ErrInUse)
	require.NoError(t, w.Close())
	require.NoError(t, other.Write(t.Context(), one("b")))
}

func TestTwoWritersOfOnePart(t *testing.T) {
	dir := t.TempDir()
	s := file.CSVDir(dir, sinktest.Columns)
	w, c := open(t, s, 3)
	require.NoError(t, w.Write(t.Context(), one("a")))
	other, _ := open(t, s, 3)
	require.ErrorIs(t, other.Write(t.Context(), one("b")), file.ErrInUse)
	require.NoError(t, c.Commit(t.Context(), prepare(t, c, 12, false)))
	require.FileExists(t, filepath.Join(dir, "part-00003-0000000001.csv"))
}

func TestEmptyResultHasItsHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	_, c := open(t, file.CSV(path, sinktest.Columns), 0)
	require.NoError(t, c.Commit(t.Context(), prepare(t, c, 1, true)))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "id,seq,text,number,ratio,flag\n", string(got))
}

func TestDamageIsNoticed(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"missing":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 5) },
		"changed": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("X"), 40)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rows.csv")
			s := file.CSV(path, sinktest.Columns)
			w, c := open(t, s, 0)
			require.NoError(t, w.Write(t.Context(), one(strings.Repeat("a", 50))))
			pending := prepare(t, c, 1, false)
			require.NoError(t, w.Close())
			require.NoError(t, damage(path+".inprogress"))
			_, c = open(t, s, 0)
			require.ErrorIs(t, c.Recover(t.Context(), [][]byte{pending}), file.ErrDamaged)
		})
		t.Run(name+" before the last commit", func(t *testing.T) {
			if name == "missing" {
				return // that is how a result looks that was committed and taken away
			}
			path := filepath.Join(t.TempDir(), "rows.csv")
			w, c := open(t, file.CSV(path, sinktest.Columns), 0)
			require.NoError(t, w.Write(t.Context(), one(strings.Repeat("a", 50))))
			pending := prepare(t, c, 1, true)
			require.NoError(t, damage(path+".inprogress"))
			require.ErrorIs(t, c.Commit(t.Context(), pending), file.ErrDamaged)
			require.NoFileExists(t, path)
		})
	}
}

func TestResultMayBeTakenAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	s := file.CSV(path, sinktest.Columns)
	pending := run(t, s, "a")
	require.NoError(t, os.Remove(path))
	w, c := open(t, s, 0)
	require.NoError(t, c.Commit(t.Context(), pending))
	require.NoError(t, c.Recover(t.Context(), [][]byte{pending}))
	require.Equal(t, string(pending), string(prepare(t, c, 2, true)), "the run stays finished")
	require.ErrorIs(t, w.Write(t.Context(), one("b")), file.ErrFinished)
}

func TestUnreadablePending(t *testing.T) {
	for _, s := range []sink.Sink[record]{file.CSV(filepath.Join(t.TempDir(), "x"), sinktest.Columns), file.CSVDir(t.TempDir(), sinktest.Columns)} {
		_, c := open(t, s, 0)
		for _, data := range []string{"", "{", `{"length":-1}`, `{"run":"a","number":1,"parts":[{"name":"../x"}],"length":-1}`, `{"number":1,"parts":[{"name":"part-00000-0000000001.csv"}],"length":-1}`} {
			require.ErrorContains(t, c.Commit(t.Context(), []byte(data)), "what the checkpoint says")
			require.ErrorContains(t, c.Recover(t.Context(), [][]byte{[]byte(data)}), "what the checkpoint says")
		}
	}
}

func TestOpenErrors(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "a file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	for _, test := range []struct {
		sink sink.Sink[record]
		want string
	}{
		{file.CSV("", sinktest.Columns), "the path is empty"},
		{file.CSVDir("", sinktest.Columns), "name is empty"},
		{file.CSV(filepath.Join(blocked, "x", "rows.csv"), sinktest.Columns), "not a directory"},
		{file.CSVDir(blocked, sinktest.Columns), "not a directory"},
		{file.CSV("x", table.Of[record]()), "no columns"},
		{file.JSONLinesDir("x", table.Of[record]()), "no columns"},
	} {
		_, err := test.sink.Open(t.Context(), sink.Env{})
		require.ErrorContains(t, err, test.want)
	}
}

type typed struct {
	Raw  []byte
	At   time.Time
	F    float64
	Note string
	Null bool
}

var typedColumns = table.Of(
	table.Bytes("raw", func(r typed) []byte { return r.Raw }),
	table.Time("at", func(r typed) time.Time { return r.At }),
	table.Nullable(table.Float("f", func(r typed) float64 { return r.F }), func(r typed) bool { return r.Null }),
	table.Nullable(table.Text("note", func(r typed) string { return r.Note }), func(r typed) bool { return r.Null }),
)

func TestTypesAndNulls(t *testing.T) {
	at := time.Date(2024, 3, 13, 10, 22, 33, 0, time.UTC)
	rows := []sink.Row[typed]{{Value: typed{[]byte("hi\xff"), at, 0.5, "", false}}, {Value: typed{nil, at, 0, "", true}}}
	for _, test := range []struct {
		make func(string, table.Columns[typed]) sink.Sink[typed]
		want string
	}{
		{file.CSV[typed], "raw,at,f,note\n6869ff,2024-03-13T10:22:33.000000Z,0.5,\"\"\n,2024-03-13T10:22:33.000000Z,,\n"},
		{file.JSONLines[typed], `{"raw":"aGn/","at":"2024-03-13T10:22:33.000000Z","f":0.5,"note":""}` + "\n" + `{"raw":"","at":"2024-03-13T10:22:33.000000Z","f":null,"note":null}` + "\n"},
	} {
		path := filepath.Join(t.TempDir(), "rows")
		w, c := open(t, test.make(path, typedColumns), 0)
		require.NoError(t, w.Write(t.Context(), rows))
		require.NoError(t, c.Commit(t.Context(), prepare(t, c, 1, true)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, test.want, string(got))
	}
}

func TestRowsThatCannotBeWritten(t *testing.T) {
	w, _ := open(t, file.JSONLines(filepath.Join(t.TempDir(), "x"), sinktest.Columns), 0)
	err := w.Write(t.Context(), []sink.Row[record]{{}, {Value: record{ID: "bad", Ratio: math.NaN()}}})
	require.ErrorContains(t, err, `row 2 of the batch: id="bad" seq=0: column ratio: JSON has no NaN`)
	w, _ = open(t, file.Lines(filepath.Join(t.TempDir(), "x"), func(dst []byte, r record) ([]byte, error) { return fmt.Appendf(dst, "%s", r.ID), nil }), 0)
	require.ErrorContains(t, w.Write(t.Context(), one("a\nb")), "contains a newline")
}

func TestPlanNames(t *testing.T) {
	require.Equal(t, "csv path=out/x.csv", file.CSV("out/x.csv", sinktest.Columns).String())
	require.Equal(t, "jsonl dir=out", file.JSONLinesDir("out", sinktest.Columns).String())
}
