// Package print writes rows to a terminal or any io.Writer, one line each: for first programs and for looking into a job.
//
// A row that a later result superseded is printed again, marked as deleted, since what was printed cannot be taken back. After a crash rows may be printed again.
package print

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

const deletedMark = "deleted: "

// Option changes how rows are printed.
type Option func(*config)

type config struct{ out io.Writer }

// To prints to out in place of standard output; a batch is one call of its Write, and never two at once.
func To(out io.Writer) Option { return func(c *config) { c.out = out } }

// Columns prints rows as `user_id="u1" events=7`.
func Columns[T any](columns table.Columns[T], opts ...Option) sink.Sink[T] {
	s := newSink[T](func(dst []byte, row T) []byte {
		for i, col := range columns.All() {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(append(dst, col.Name()...), '=')
			dst = col.AppendShown(dst, row)
		}
		return dst
	}, opts)
	s.invalid = columns.Validate()
	return s
}

// Lines prints what the function makes of a row. It may be called by several goroutines at once; a newline at its end is not needed.
func Lines[T any](line func(T) string, opts ...Option) sink.Sink[T] {
	return newSink[T](func(dst []byte, row T) []byte { return append(dst, line(row)...) }, opts)
}

// Values prints rows as fmt does with %+v, which is convenient and slow.
func Values[T any](opts ...Option) sink.Sink[T] {
	return newSink[T](func(dst []byte, row T) []byte { return fmt.Appendf(dst, "%+v", row) }, opts)
}

func newSink[T any](appendLine func([]byte, T) []byte, opts []Option) *printSink[T] {
	c := config{out: os.Stdout}
	for _, opt := range opts {
		opt(&c)
	}
	return &printSink[T]{out: c.out, appendLine: appendLine, turn: make(chan struct{}, 1)}
}

type printSink[T any] struct {
	out        io.Writer
	appendLine func(dst []byte, row T) []byte
	turn       chan struct{} // holds one token while a Writer prints
	invalid    error
}

func (s *printSink[T]) Open(context.Context, sink.Env) (sink.Writer[T], error) {
	if s.invalid != nil {
		return nil, fmt.Errorf("print: %w", s.invalid)
	}
	return &writer[T]{sink: s}, nil
}

func (s *printSink[T]) Traits() sink.Traits { return sink.Traits{Upserts: true} }

func (s *printSink[T]) String() string { return "print" }

type writer[T any] struct {
	sink *printSink[T]
	buf  []byte
}

func (w *writer[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	w.buf = w.buf[:0]
	for i := range rows {
		start := len(w.buf)
		if rows[i].Op == sink.Delete {
			w.buf = append(w.buf, deletedMark...)
		}
		w.buf = w.sink.appendLine(w.buf, rows[i].Value)
		if n := len(w.buf); n == start || w.buf[n-1] != '\n' {
			w.buf = append(w.buf, '\n')
		}
	}
	if len(w.buf) == 0 {
		return nil
	}
	select {
	case w.sink.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-w.sink.turn }()
	if _, err := w.sink.out.Write(w.buf); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (w *writer[T]) Close() error { return nil }
