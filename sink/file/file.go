package file

import (
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/table"
)

// CSV writes one file of format.CSV.
func CSV[T any](path string, columns table.Columns[T]) sink.Sink[T] {
	return Single(path, format.CSV(columns))
}

// CSVDir writes files of format.CSV, each with the header, to a directory, which is made if missing.
func CSVDir[T any](dir string, columns table.Columns[T], options ...Option) sink.Sink[T] {
	return Directory(dir, format.CSV(columns), options...)
}

// JSONLines writes one file of format.JSONLines.
func JSONLines[T any](path string, columns table.Columns[T]) sink.Sink[T] {
	return Single(path, format.JSONLines(columns))
}

// JSONLinesDir writes files of format.JSONLines to a directory, which is made if missing.
func JSONLinesDir[T any](dir string, columns table.Columns[T], options ...Option) sink.Sink[T] {
	return Directory(dir, format.JSONLines(columns), options...)
}

// Lines writes one file of format.Lines.
func Lines[T any](path string, line func(dst []byte, row T) ([]byte, error)) sink.Sink[T] {
	return Single(path, format.Lines(".txt", line))
}

// LinesDir writes files of format.Lines to a directory, which is made if missing. ext ends the names of the files: ".jsonl".
func LinesDir[T any](dir, ext string, line func(dst []byte, row T) ([]byte, error), options ...Option) sink.Sink[T] {
	return Directory(dir, format.Lines(ext, line), options...)
}

// Single writes one file, which appears when the job has ended.
func Single[T any](path string, f *format.Text[T]) sink.Sink[T] {
	return &single[T]{path: path, format: f}
}

// Directory writes files of any format to a directory, which is made if missing.
func Directory[T any](dir string, f format.Format[T], options ...Option) sink.Sink[T] {
	return newDirectory(dir, f, options)
}
