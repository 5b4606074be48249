package parquet_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
)

type record = sinktest.Record

func TestDirConforms(t *testing.T) {
	for name, options := range map[string][]parquet.Option{
		"one row group":     nil,
		"many of few rows":  {parquet.RowGroupRows(100)},
		"many of few bytes": {parquet.RowGroupBytes(5_000)},
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, sinktest.Config[record]{
				New: func(t *testing.T) sinktest.Target[record] {
					dir := filepath.Join(t.TempDir(), "v1")
					return sinktest.Target[record]{
						Sink: func() sink.Sink[record] { return file.Directory(dir, parquet.Format(sinktest.Columns, options...)) },
						Rows: func(t *testing.T) []record { return readDir(t, dir) },
					}
				},
				Value:    sinktest.Same,
				Features: sinktest.Features{Commits: true, Parallel: true},
			})
		})
	}
}

func readDir(t *testing.T, dir string) (rows []record) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	require.NoError(t, err)
	slices.Sort(paths)
	for _, p := range paths {
		data, err := os.ReadFile(p)
		require.NoError(t, err)
		rows = append(rows, decode(t, data)...)
	}
	return rows
}

// decode reads by the column names of a struct of its own, so that the mapping is not checked against itself.
func decode(t *testing.T, data []byte) (rows []record) {
	type row struct {
		ID     string  `parquet:"id"`
		Seq    int64   `parquet:"seq"`
		Text   string  `parquet:"text"`
		Number int64   `parquet:"number"`
		Ratio  float64 `parquet:"ratio"`
		Flag   bool    `parquet:"flag"`
	}
	r := pq.NewGenericReader[row](bytes.NewReader(data))
	defer r.Close()
	buf := make([]row, 512)
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			rows = append(rows, record(b))
		}
		if err == io.EOF {
			return rows
		}
		require.NoError(t, err)
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
	table.Key(table.Time("at", func(r typed) time.Time { return r.At })),
	table.Bytes("raw", func(r typed) []byte { return r.Raw }),
	table.Nullable(table.Float("f", func(r typed) float64 { return r.F }), func(r typed) bool { return r.Null }),
	table.Nullable(table.Text("note", func(r typed) string { return r.Note }), func(r typed) bool { return r.Null }),
)

func encode[T any](t *testing.T, f format.Format[T], batches ...[]sink.Row[T]) []byte {
	t.Helper()
	e := f.Encoder()
	var data []byte
	var err error
	for _, b := range batches {
		data, err = e.Append(data, b)
		require.NoError(t, err)
	}
	data, err = e.Finish(data)
	require.NoError(t, err)
	return data
}

func TestSchema(t *testing.T) {
	at := time.Date(1969, 12, 31, 23, 59, 59, 999_999_500, time.UTC)
	data := encode(t, parquet.Format(typedColumns), []sink.Row[typed]{{Value: typed{[]byte("hi\xff"), at, math.NaN(), "a\xffb", false}}, {Value: typed{nil, at, 1, "x", true}}})
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Equal(t, `message row {
	required int64 at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required binary raw;
	optional double f;
	optional binary note (STRING);
}`, f.Schema().String())
	key, ok := f.Lookup(parquet.KeyMetadata)
	require.True(t, ok)
	require.Equal(t, "at", key)

	rows := make([]pq.Row, 3)
	r := pq.NewReader(f)
	defer r.Close()
	n, err := r.ReadRows(rows)
	require.Equal(t, 2, n)
	if err != nil {
		require.ErrorIs(t, err, io.EOF)
	}
	require.EqualValues(t, -1, rows[0][0].Int64(), "a time is cut to the microsecond before it, also before 1970")
	require.Equal(t, "hi\xff", string(rows[0][1].ByteArray()))
	require.True(t, math.IsNaN(rows[0][2].Double()))
	require.Equal(t, "a\ufffdb", string(rows[0][3].ByteArray()))
	require.True(t, rows[1][2].IsNull())
	require.True(t, rows[1][3].IsNull())
	require.Empty(t, rows[1][1].ByteArray())
	require.False(t, rows[1][1].IsNull())
}

func batches(n, of int) (all [][]sink.Row[record]) {
	for b := range n {
		rows := make([]sink.Row[record], of)
		for i := range rows {
			rows[i].Value = record{ID: "user", Seq: int64(b*of + i), Text: "some text", Ratio: float64(i) / 3}
		}
		all = append(all, rows)
	}
	return all
}

func TestSameRowsSameBytes(t *testing.T) {
	f := parquet.Format(sinktest.Columns, parquet.RowGroupRows(1_000))
	want := encode(t, f, batches(20, 500)...)
	for range 3 {
		require.Equal(t, want, encode(t, f, batches(20, 500)...))
	}
}

func TestRowGroupsAreBounded(t *testing.T) {
	f := parquet.Format(sinktest.Columns, parquet.RowGroupBytes(100_000))
	e := f.Encoder()
	var data []byte
	var err error
	for _, b := range batches(50, 200) {
		data, err = e.Append(data, b)
		require.NoError(t, err)
		require.Less(t, e.Held(), int64(100_000))
	}
	require.NotEmpty(t, data, "full row groups are given away")
	data, err = e.Finish(data)
	require.NoError(t, err)
	file, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Greater(t, len(file.RowGroups()), 4)
	require.Len(t, decode(t, data), 10_000)
}

func TestRefusedBatchIsNotTaken(t *testing.T) {
	e := parquet.Format(sinktest.Columns).Encoder()
	data, err := e.Append(nil, []sink.Row[record]{{Value: record{ID: "a"}}, {Value: record{ID: "b"}, Op: sink.Delete}})
	require.ErrorIs(t, err, format.ErrDelete)
	require.ErrorContains(t, err, `row 2 of the batch: id="b"`)
	data, err = e.Append(data, []sink.Row[record]{{Value: record{ID: "c"}}})
	require.NoError(t, err)
	data, err = e.Finish(data)
	require.NoError(t, err)
	require.Equal(t, []record{{ID: "c"}}, decode(t, data))
}

func TestInvalidFormats(t *testing.T) {
	require.ErrorContains(t, parquet.Format(table.Of[record]()).Validate(), "no columns")
	require.ErrorContains(t, parquet.Format(sinktest.Columns, parquet.RowGroupRows(0)).Validate(), "above zero")
	_, err := parquet.Dir(t.TempDir(), table.Of[record]()).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "no columns")
	require.Equal(t, "parquet dir=out", parquet.Dir("out", sinktest.Columns).String())
}
