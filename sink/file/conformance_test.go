package file_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/file"
	"github.com/millrace/millrace/sink/sinktest"
)

type (
	record = sinktest.Record
	target = sinktest.Target[record]
)

func conform(t *testing.T, parallel bool, make func(path string) sink.Sink[record], read func(t *testing.T, path string) []record) {
	sinktest.Run(t, sinktest.Config[record]{
		New: func(t *testing.T) target {
			path := filepath.Join(t.TempDir(), "out", "rows.x")
			return target{
				Sink: func() sink.Sink[record] { return make(path) },
				Rows: func(t *testing.T) (rows []record) {
					for _, path := range visible(t, path) {
						rows = append(rows, read(t, path)...)
					}
					return rows
				},
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Commits: true, Parallel: parallel},
	})
}

func TestCSVConforms(t *testing.T) {
	conform(t, false, func(p string) sink.Sink[record] { return file.CSV(p, sinktest.Columns) }, readCSV)
}

func TestCSVDirConforms(t *testing.T) {
	conform(t, true, func(p string) sink.Sink[record] { return file.CSVDir(p, sinktest.Columns) }, readCSV)
}

func TestJSONLinesConforms(t *testing.T) {
	conform(t, false, func(p string) sink.Sink[record] { return file.JSONLines(p, sinktest.Columns) }, readJSON)
}

func TestJSONLinesDirConforms(t *testing.T) {
	conform(t, true, func(p string) sink.Sink[record] { return file.JSONLinesDir(p, sinktest.Columns) }, readJSON)
}

func appendJSON(dst []byte, r record) ([]byte, error) {
	line, err := json.Marshal(r)
	return append(dst, line...), err
}

func TestLinesConforms(t *testing.T) {
	conform(t, false, func(p string) sink.Sink[record] { return file.Lines(p, appendJSON) }, readJSON)
}

func TestLinesDirConforms(t *testing.T) {
	conform(t, true, func(p string) sink.Sink[record] { return file.LinesDir(p, ".jsonl", appendJSON) }, readJSON)
}

// visible lists what a reader takes for results: the file, or the directory's files without a dot.
func visible(t *testing.T, path string) (paths []string) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	if !info.IsDir() {
		return []string{path}
	}
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(e.Name(), "_") {
			paths = append(paths, filepath.Join(path, e.Name()))
		}
	}
	return slices.Sorted(slices.Values(paths))
}

func readCSV(t *testing.T, path string) (rows []record) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"id", "seq", "text", "number", "ratio", "flag"}, lines[0])
	for _, l := range lines[1:] {
		seq, err1 := strconv.ParseInt(l[1], 10, 64)
		number, err2 := strconv.ParseInt(l[3], 10, 64)
		ratio, err3 := strconv.ParseFloat(l[4], 64)
		flag, err4 := strconv.ParseBool(l[5])
		for _, err := range []error{err1, err2, err3, err4} {
			require.NoError(t, err)
		}
		rows = append(rows, record{ID: l[0], Seq: seq, Text: l[2], Number: number, Ratio: ratio, Flag: flag})
	}
	return rows
}

func readJSON(t *testing.T, path string) (rows []record) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var r record
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r), "%s", lines.Bytes())
		rows = append(rows, r)
	}
	require.NoError(t, lines.Err())
	return rows
}
