package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/millrace/millrace/internal/parts"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/version"
)

// MaxRows is how many rows of a table Rows holds at most. Larger results are for a database that reads such files.
const MaxRows = 20_000_000

// Rows reads the parts of a location, whose files fsys holds.
func Rows(ctx context.Context, fsys fs.FS) (version.Rows, error) {
	columns, err := columnsOf(fsys)
	if err != nil {
		return version.Rows{}, err
	}
	rows, err := all(ctx, fsys, columns)
	if err != nil {
		return version.Rows{}, err
	}
	r := version.Rows{All: func(yield func([]version.Value, error) bool) {
		for _, row := range rows {
			if !yield(row, ctx.Err()) || ctx.Err() != nil {
				return
			}
		}
	}}
	for _, c := range columns {
		r.Columns = append(r.Columns, version.Column{Name: c.Name, Key: c.Key})
	}
	return r, nil
}

// columnsOf reads what the location says of itself.
func columnsOf(fsys fs.FS) ([]format.Column, error) {
	data, err := fs.ReadFile(fsys, parts.MarkName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it has no %s: it was not written by a sink of files, or its single file does not say what its columns are: %w", parts.MarkName, err)
	}
	if err != nil {
		return nil, err
	}
	columns, err := parts.Columns(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", parts.MarkName, err)
	}
	if !slices.ContainsFunc(columns, func(c format.Column) bool { return c.Key > 0 }) {
		return nil, fmt.Errorf("%s names no key, without which rows cannot be put in order", parts.MarkName)
	}
	return columns, nil
}

// all are the rows by key, one a key.
func all(ctx context.Context, fsys fs.FS, columns []format.Column) (rows [][]version.Value, err error) {
	names, err := fs.Glob(fsys, "part-*")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, byNumber)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if rows, err = readPart(fsys, name, columns, rows); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	keys := version.Rows{Columns: described(columns)}.Keys()
	slices.SortStableFunc(rows, func(a, b []version.Value) int { return version.CompareKeys(a, b, keys) })
	return last(rows, keys), nil
}

func described(columns []format.Column) (list []version.Column) {
	for _, c := range columns {
		list = append(list, version.Column{Name: c.Name, Key: c.Key})
	}
	return list
}

// byNumber orders parts as they came about: those of one subtask by their number.
func byNumber(a, b string) int {
	x, _ := parts.ParseName(a)
	y, _ := parts.ParseName(b)
	return cmp.Or(cmp.Compare(x.Number, y.Number), cmp.Compare(x.Subtask, y.Subtask), strings.Compare(a, b))
}

// last keeps of neighbours with one key the last.
func last(rows [][]version.Value, keys []int) [][]version.Value {
	kept := rows[:0]
	for i, row := range rows {
		if i+1 == len(rows) || version.CompareKeys(row, rows[i+1], keys) != 0 {
			kept = append(kept, row)
		}
	}
	return kept
}

// readPart appends the rows of one part.
func readPart(fsys fs.FS, name string, columns []format.Column, rows [][]version.Value) ([][]version.Value, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	add := func(row []version.Value) error {
		if len(rows) >= MaxRows {
			return fmt.Errorf("the table has more than %d rows, which are too many to be put in order here", MaxRows)
		}
		rows = append(rows, row)
		return nil
	}
	if strings.HasSuffix(name, ".parquet") {
		err = readParquet(f, columns, add)
		return rows, err
	}
	plain, r, err := decompressed(name, f)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(plain, ".csv"):
		err = readCSV(r, columns, add)
	case strings.HasSuffix(plain, ".jsonl"):
		err = readJSON(r, columns, add)
	default:
		err = errors.New("a format that is not known: .csv, .jsonl and .parquet are")
	}
	return rows, err
}

func decompressed(name string, r io.Reader) (plain string, _ io.Reader, err error) {
	if plain, ok := strings.CutSuffix(name, ".gz"); ok {
		r, err = gzip.NewReader(r)
		return plain, r, err
	}
	if plain, ok := strings.CutSuffix(name, ".zst"); ok {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return plain, nil, err
		}
		return plain, d.IOReadCloser(), nil
	}
	return name, r, nil
}
