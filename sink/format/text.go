package format

import (
	"fmt"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// Text is a format in which each row is a piece of text by itself, so that a file can be continued at any row. CSV, JSONLines and Lines make one.
type Text[T any] struct {
	name        string
	ext         string
	contentType string
	header      []byte
	append      func(dst []byte, row T) ([]byte, error)
	keyOf       func(row T) string // names a row in messages
	columns     []Column
	invalid     error
}

// CSV has a header line, fields quoted where needed (RFC 4180), lines ended by \n, null as nothing and, in nullable columns, empty text as "".
func CSV[T any](columns table.Columns[T]) *Text[T] { return csvFormat(columns) }

// JSONLines has a JSON object per line, its members in the order of the columns; bytes are base64, times RFC 3339. A float that JSON cannot express (NaN,
// infinity) is an error.
func JSONLines[T any](columns table.Columns[T]) *Text[T] { return jsonFormat(columns) }

// Lines has a line per row, which the function appends to dst without its newline; a codec's Append is such a function. It may be called by several goroutines
// at once. A newline within the line is an error. ext ends the names of files: ".jsonl".
func Lines[T any](ext string, line func(dst []byte, row T) ([]byte, error)) *Text[T] {
	return &Text[T]{
		name:        "lines",
		ext:         ext,
		contentType: "text/plain",
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

// Name implements Format.
func (f *Text[T]) Name() string { return f.name }

// Ext implements Format.
func (f *Text[T]) Ext() string { return f.ext }

// ContentType implements Format.
func (f *Text[T]) ContentType() string { return f.contentType }

// Validate implements Format.
func (f *Text[T]) Validate() error { return f.invalid }

// Columns implements Format.
func (f *Text[T]) Columns() []Column { return f.columns }

// Header is what each file begins with. It must not be changed.
func (f *Text[T]) Header() []byte { return f.header }

// AppendRows appends a batch, or gives dst back as it was with an error that names the row.
func (f *Text[T]) AppendRows(dst []byte, rows []sink.Row[T]) ([]byte, error) {
	start := len(dst)
	for i := range rows {
		err := ErrDelete
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

// Encoder implements Format.
func (f *Text[T]) Encoder() Encoder[T] { return &textEncoder[T]{format: f} }

type textEncoder[T any] struct {
	format *Text[T]
	begun  bool
}

func (e *textEncoder[T]) Append(dst []byte, rows []sink.Row[T]) ([]byte, error) {
	start := len(dst)
	if !e.begun {
		dst = append(dst, e.format.header...)
	}
	dst, err := e.format.AppendRows(dst, rows)
	if err != nil {
		return dst[:start], err
	}
	e.begun = true
	return dst, nil
}

func (e *textEncoder[T]) Held() int64 { return 0 }

func (e *textEncoder[T]) Finish(dst []byte) ([]byte, error) {
	if !e.begun {
		e.begun = true
		dst = append(dst, e.format.header...)
	}
	return dst, nil
}
