// Package file reads records from files: lines of text, JSON Lines, and protobuf messages with their lengths before them. Files whose names end in
// ".gz" are decompressed.
//
// Each file is a split. The position of a record is its number in the file, from 1: for lines it is the line number, as editors show it. Going on at a
// position reads the file from its beginning and skips. A file is expected not to change while jobs depend on it; what is appended after its end was
// read is seen by a later run only.
package file

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// EndOfFile is the Stop of every split: bounded, by an end that only reading finds. Fetch returns EOF there.
const EndOfFile = source.ToEnd

// DefaultMaxRecord is the longest record accepted without WithMaxRecord, in bytes.
const DefaultMaxRecord = 16 << 20

// Source is a bounded source over files. It is immutable: the With methods return a changed copy.
type Source[T any] struct {
	decoder   source.Decoder[T]
	framing   framing
	patterns  []string
	maxRecord int
}

// JSONLines reads one JSON value a line. Blank lines are skipped, but counted as lines. Each path is a file or a pattern as for filepath.Glob.
// A line that dec refuses becomes a record with Err, whose Topic is the file and whose Offset the line number.
func JSONLines[T any](dec source.Decoder[T], paths ...string) *Source[T] {
	return of(dec, lines{what: "json", skipBlank: true}, paths)
}

// Lines reads one record a line, blank lines included. The line end, "\n" or "\r\n", is not part of the record, nor is a byte order mark at the beginning.
func Lines[T any](dec source.Decoder[T], paths ...string) *Source[T] {
	return of(dec, lines{what: "lines"}, paths)
}

// Delimited reads messages that each have their length before them as a uvarint: what protodelim and the writeDelimitedTo of other languages write.
func Delimited[T any](dec source.Decoder[T], paths ...string) *Source[T] {
	return of(dec, delimited{}, paths)
}

func of[T any](dec source.Decoder[T], f framing, paths []string) *Source[T] {
	return &Source[T]{decoder: dec, framing: f, patterns: slices.Clone(paths), maxRecord: DefaultMaxRecord}
}

// WithMaxRecord refuses records longer than so many bytes, before memory is taken for them; not positive means DefaultMaxRecord.
func (s Source[T]) WithMaxRecord(bytes int) *Source[T] {
	if s.maxRecord = bytes; bytes <= 0 {
		s.maxRecord = DefaultMaxRecord
	}
	return &s
}

// Codec is the decoder if it is a state codec too, otherwise nil.
func (s *Source[T]) Codec() state.Codec[T] {
	c, _ := s.decoder.(state.Codec[T])
	return c
}

// Open implements source.Source. It touches no file.
func (s *Source[T]) Open(_ context.Context, env source.Env) (source.Session[T], error) {
	return session[T]{s, env}, nil
}

func (s *Source[T]) String() string {
	return fmt.Sprintf("file %s=%s", s.framing.name(), strings.Join(s.patterns, ","))
}
