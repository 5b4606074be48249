// Package format turns rows into the bytes of files: CSV, lines of JSON, lines of any kind, each also compressed. The sinks of files (sink/file) and of objects (sink/s3) take a
// Format, so all formats are to be had in all places; sink/parquet has another.
//
// A format is a function of the rows: the same rows make the same bytes, on any machine.
package format

import (
	"errors"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// Format describes files of rows of type T. It is immutable and safe for concurrent use.
type Format[T any] interface {
	// Name stands in plans: "csv".
	Name() string
	// Ext ends the names of files, with the dot: ".csv".
	Ext() string
	// ContentType is the media type of the files.
	ContentType() string
	// Validate says what is wrong with the description.
	Validate() error
	// Columns describe what is in the files, for readers; nil where it is not columns.
	Columns() []Column
	// Encoder begins one file.
	Encoder() Encoder[T]
}

// Column is one column as readers of the files have to know it.
type Column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`               // as table.Type says it: text, integer, float, boolean, bytes or time
	Key      int    `json:"key,omitempty"`      // its place in the key, from 1; 0 for a column that is not part of it
	Nullable bool   `json:"nullable,omitempty"` // null may stand in it
}

// ColumnsOf describes a table's columns for readers.
func ColumnsOf[T any](columns table.Columns[T]) (list []Column) {
	key := 0
	for _, col := range columns.All() {
		c := Column{Name: col.Name(), Type: col.Type().String(), Nullable: col.IsNullable()}
		if col.IsKey() {
			key++
			c.Key = key
		}
		list = append(list, c)
	}
	return list
}

// Encoder makes one file. It does no I/O; it is used by one goroutine.
type Encoder[T any] interface {
	// Append takes rows, and appends to dst what of the file has become final by them, which may be nothing. On an error nothing was taken and dst comes back as it
	// was. The rows are not kept.
	Append(dst []byte, rows []sink.Row[T]) ([]byte, error)
	// Held estimates the bytes of the file that are taken and not yet appended.
	Held() int64
	// Finish appends what is held and what ends the file. Nothing may follow it.
	Finish(dst []byte) ([]byte, error)
}

// ErrDelete is returned by Append for a row that is a deletion: a file cannot take a row back.
var ErrDelete = errors.New("a file cannot delete rows")
