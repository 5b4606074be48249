package files_test

import (
	"context"
	"io/fs"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/s3"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/files"
	"github.com/millrace/millrace/sink/version/versiontest"
)

func formats[T any](columns table.Columns[T]) map[string]format.Format[T] {
	return map[string]format.Format[T]{
		"csv": format.CSV(columns), "jsonl": format.JSONLines(columns), "parquet": parquet.Format(columns),
		"csv.gz": format.Gzip(format.CSV(columns)), "jsonl.zst": format.Zstd(format.JSONLines(columns)),
	}
}

// write makes a result of two checkpoints.
func write[T any](t testing.TB, s sink.Sink[T], first, second []T) {
	t.Helper()
	w, err := s.Open(context.Background(), sink.Env{Job: "shop", Operator: "sessions", Subtasks: 1})
	require.NoError(t, err)
	for i, values := range [][]T{first, second} {
		var rows []sink.Row[T]
		for _, v := range values {
			rows = append(rows, sink.Row[T]{Value: v})
		}
		require.NoError(t, w.Write(context.Background(), rows))
		pending, err := w.(sink.Committer).Prepare(context.Background(), int64(i+1), i == 1)
		require.NoError(t, err)
		require.NoError(t, w.(sink.Committer).Commit(context.Background(), pending))
	}
	require.NoError(t, w.Close())
}

func TestConformance(t *testing.T) {
	type record = versiontest.Record
	columns := table.Of(
		table.Key(table.Text("id", func(r record) string { return r.ID })),
		table.Key(table.Int("seq", func(r record) int64 { return r.Seq })),
		table.Text("text", func(r record) string { return r.Text }),
	)
	for name, f := range formats(columns) {
		t.Run(name, func(t *testing.T) {
			versiontest.Run(t, versiontest.Config{
				New: func(t *testing.T) versiontest.Target {
					dir := t.TempDir()
					return versiontest.Target{
						Open: func(testing.TB) version.Catalog {
							return files.Open(filepath.Join(dir, "versions.json"), "sessions", files.Directories)
						},
						Place:  func(table, version string) string { return filepath.Join(dir, table, version) },
						Reader: func(table string) string { return table },
						Fill: func(t testing.TB, place string, rows []record) {
							half := len(rows) / 2
							write(t, file.Directory(place, f), rows[:half], rows[half:])
						},
					}
				},
				Features: versiontest.Features{Rows: true},
			})
		})
	}
}

type typed struct {
	At   time.Time
	Raw  []byte
	F    float64
	B    bool
	Note string
	Null bool
}

var typedColumns = table.Of(
	table.Nullable(table.Text("note", func(r typed) string { return r.Note }), func(r typed) bool { return r.Null }),
	table.Key(table.Time("at", func(r typed) time.Time { return r.At })),
	table.Bytes("raw", func(r typed) []byte { return r.Raw }),
	table.Nullable(table.Float("f", func(r typed) float64 { return r.F }), func(r typed) bool { return r.Null }),
	table.Bool("b", func(r typed) bool { return r.B }),
)

func read(t *testing.T, fsys fs.FS) (rows [][]version.Value) {
	t.Helper()
	r, err := files.Rows(t.Context(), fsys)
	require.NoError(t, err)
	require.Equal(t, []version.Column{{Name: "note"}, {Name: "at", Key: 1}, {Name: "raw"}, {Name: "f"}, {Name: "b"}}, r.Columns)
	for row, err := range r.All {
		require.NoError(t, err)
		rows = append(rows, row)
	}
	return rows
}

var (
	early = time.Date(1969, 7, 20, 20, 17, 40, 999_999_999, time.UTC)
	late  = time.Date(2024, 3, 13, 10, 22, 33, 0, time.UTC)
	first = []typed{{At: late, Raw: []byte("old")}, {At: early, Raw: []byte("\x00\xff"), F: 1e-300, B: true, Note: ""}}
	// The second row replaces the first of its key.
	second = []typed{{At: late, Raw: nil, F: math.MaxFloat64, Note: "a,\"b\"\n,"}, {At: late.Add(time.Second), Null: true}}
	want   = [][]version.Value{
		{version.Text(""), version.Text("1969-07-20T20:17:40.999999Z"), version.Text("00ff"), version.Float(1e-300), version.Bool(true)},
		{version.Text("a,\"b\"\n,"), version.Text("2024-03-13T10:22:33.000000Z"), version.Text(""), version.Float(math.MaxFloat64), version.Bool(false)},
		{{}, version.Text("2024-03-13T10:22:34.000000Z"), version.Text(""), {}, version.Bool(false)},
	}
)

func TestAllFormatsReadTheSame(t *testing.T) {
	for name, f := range formats(typedColumns) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, file.Directory(dir, f), first, second)
			require.Equal(t, want, read(t, os.DirFS(dir)))
		})
	}
}

func TestObjects(t *testing.T) {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("results"))
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	key := s3.Credentials("id", "secret", "")
	for name, f := range formats(typedColumns) {
		t.Run(name, func(t *testing.T) {
			l := s3.Location{Bucket: "results", Prefix: name + "/v1", Endpoint: srv.URL, Region: "us-east-1", PathStyle: true}
			write(t, s3.Sink(l, f, key), first, second)
			write(t, s3.Sink(l.Below("deeper"), f, key), first, second)
			fsys, err := s3.Files(t.Context(), l, key)
			require.NoError(t, err)
			require.Equal(t, want, read(t, fsys))
			_, err = fsys.Open("../v2/x")
			require.ErrorIs(t, err, fs.ErrInvalid)
			_, err = fsys.Open("missing")
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

func TestUnreadable(t *testing.T) {
	const mark = `{"job":"a","operator":"b","run":"c","columns":[{"name":"k","type":"integer","key":1}]}`
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no mark":        {map[string]string{}, "it has no _millrace.json"},
		"broken mark":    {map[string]string{"_millrace.json": "{"}, "cannot be read"},
		"no key":         {map[string]string{"_millrace.json": `{"run":"c","columns":[{"name":"k","type":"integer"}]}`}, "names no key"},
		"unknown format": {map[string]string{"_millrace.json": mark, "part-00000-0000000001.txt": "x"}, "not known"},
		"another header": {map[string]string{"_millrace.json": mark, "part-00000-0000000001.csv": "x\n"}, "the location says k"},
		"cut off":        {map[string]string{"_millrace.json": mark, "part-00000-0000000001.csv": "k\n1\n2"}, "line 3: the file ends within a record"},
		"no number":      {map[string]string{"_millrace.json": mark, "part-00000-0000000001.csv": "k\nx\n"}, "line 2, column k"},
		"missing member": {map[string]string{"_millrace.json": mark, "part-00000-0000000001.jsonl": `{"j":1}`}, "line 1 has no k"},
		"not Parquet":    {map[string]string{"_millrace.json": mark, "part-00000-0000000001.parquet": "PAR1"}, "part-00000-0000000001.parquet"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range test.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			_, err := files.Rows(t.Context(), fsys)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "a", `"`, `""`, "a,b", "\n", " x", `\.`, "\r\n", "grüße"} {
		f.Add(s, s)
	}
	columns := table.Of(
		table.Key(table.Int("k", func([2]string) int64 { return 1 })),
		table.Nullable(table.Text("a", func(r [2]string) string { return r[0] }), func(r [2]string) bool { return r[0] == "null" }),
		table.Text("b", func(r [2]string) string { return r[1] }),
	)
	const mark = `{"run":"c","columns":[{"name":"k","type":"integer","key":1},{"name":"a","type":"text","nullable":true},{"name":"b","type":"text"}]}`
	f.Fuzz(func(t *testing.T, a, b string) {
		data, err := format.CSV(columns).Encoder().Append(nil, []sink.Row[[2]string]{{Value: [2]string{a, b}}})
		require.NoError(t, err)
		r, err := files.Rows(t.Context(), fstest.MapFS{"_millrace.json": {Data: []byte(mark)}, "part-00000-0000000001.csv": {Data: data}})
		require.NoError(t, err)
		value := version.Text(a)
		if a == "null" {
			value = version.Value{}
		}
		for row := range r.All {
			require.Equal(t, []version.Value{version.Int(1), value, version.Text(b)}, row)
		}
	})
}

func TestNoRowsYet(t *testing.T) {
	dir := t.TempDir()
	w, err := file.Directory(dir, format.CSV(typedColumns)).Open(t.Context(), sink.Env{Job: "shop", Operator: "sessions"})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Empty(t, read(t, os.DirFS(dir)))
}
