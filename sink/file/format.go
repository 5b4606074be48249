package file

import (
	"fmt"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// format turns rows into the bytes of a file.
type format[T any] struct {
	name    string // in plans: "csv"
	ext     string // of part files, with the dot
	header  []byte // begins each file
	append  func(dst []byte, row T) ([]byte, error)
	keyOf   func(row T) string // names a row in messages
	invalid error              // reported by Open
}

// CSV writes one file with a header line, fields quoted where needed (RFC 4180), lines ended by \n, null as nothing and, in nullable columns, empty text as "".
func CSV[T any](path string, columns table.Columns[T]) sink.Sink[T] {
	return &single[T]{path: path, format: csvFormat(columns)}
}

// CSVDir writes CSV files, each with the header, to a directory, which is made if missing.
func CSVDir[T any](dir string, columns table.Columns[T]) sink.Sink[T] {
	return &directory[T]{dir: dir, format: csvFormat(columns)}
}

// JSONLines writes one file with a JSON object per line, its members in the order of the columns; bytes are base64, times RFC 3339. A float that JSON cannot
// express (NaN, infinity) is an error.
func JSONLines[T any](path string, columns table.Columns[T]) sink.Sink[T] {
	return &single[T]{path: path, format: jsonFormat(columns)}
}

// JSONLinesDir writes files of JSON lines to a directory, which is made if missing.
func JSONLinesDir[T any](dir string, columns table.Columns[T]) sink.Sink[T] {
	return &directory[T]{dir: dir, format: jsonFormat(columns)}
}

// Lines writes one file with a line per row, which the function appends to dst without its newline; a codec's Append is such a function. It may be called by
// several goroutines at once. A newline within the line is an error.
func Lines[T any](path string, line func(dst []byte, row T) ([]byte, error)) sink.Sink[T] {
	return &single[T]{path: path, format: linesFormat(line)}
}

// LinesDir writes files of lines, as Lines does, to a directory, which is made if missing. ext ends the names of the files: ".jsonl".
func LinesDir[T any](dir, ext string, line func(dst []byte, row T) ([]byte, error)) sink.Sink[T] {
	f := linesFormat(line)
	f.ext = ext
	return &directory[T]{dir: dir, format: f}
}

func linesFormat[T any](line func([]byte, T) ([]byte, error)) format[T] {
	return format[T]{
		name: "lines",
		ext:  ".txt",
		append: func(dst []byte, row T) ([]byte, error) {
			start := len(dst)
			dst, err := line(dst, row)
			if err != nil {
				return dst, err
			}
			for _, b := range dst[start:] {
				if b == '\n' {
					return dst, fmt.Errorf("the line contains a newline: %.100q", dst[start:])
				}
			}
			return append(dst, '\n'), nil
		},
	}
}

// appendRows appends a batch, or gives dst back unchanged with an error that names the row.
func (f *format[T]) appendRows(dst []byte, rows []sink.Row[T]) ([]byte, error) {
	start := len(dst)
	for i := range rows {
		err := errDelete
		if rows[i].Op != sink.Delete {
			dst, err = f.append(dst, rows[i].Value)
		}
		if err == nil {
			continue
		}
		if f.keyOf != nil {
			err = fmt.Errorf("%s: %w", f.keyOf(rows[i].Value), err)
		}
		return dst[:start], fmt.Errorf("row %d of the batch: %w", i+1, err)
	}
	return dst, nil
}
