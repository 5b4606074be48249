package parts

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

// flushBytes is how much a Writer buffers before it gives it to the store.
const flushBytes = 64 << 10

// DefaultRoll is the size from which a part is full, in bytes.
const DefaultRoll = 256 << 20

// Options bound the parts of a Writer.
type Options struct {
	RollBytes int64 // a part of so many bytes is full; 0 means DefaultRoll
	RollRows  int64 // a part of so many rows is full; 0 means no such bound
}

// Validate says what is wrong with the bounds.
func (o Options) Validate() error {
	if o.RollBytes < 0 || o.RollRows < 0 {
		return fmt.Errorf("the size at which a part is full is %d bytes and %d rows: give numbers above zero", o.RollBytes, o.RollRows)
	}
	return nil
}

// Writer writes one subtask's parts; it is a sink.Writer and a sink.Committer. A part ends with its checkpoint, or before that when it is full. Its number is the one after the last.
type Writer[T any] struct {
	name     string // of the sink, in errors
	location *Location
	store    Store
	format   format.Format[T]
	options  Options
	env      sink.Env

	checked bool       // what earlier runs left was looked at
	number  int64      // the newest used
	ready   []Prepared // full parts since the last Prepare

	// The part that grows.
	part    Part // nil while it has no rows
	encoder format.Encoder[T]
	buf     []byte // encoded, not yet the store's
	bytes   int64  // the store's
	rows    int64
	ended   bool // the encoder has finished
}

// Open joins the location and makes the Writer. name is the sink's, for errors.
func Open[T any](ctx context.Context, name string, l *Location, f format.Format[T], o Options, env sink.Env) (*Writer[T], error) {
	store, err := l.join(ctx, env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if o.RollBytes == 0 {
		o.RollBytes = DefaultRoll
	}
	return &Writer[T]{name: name, location: l, store: store, format: f, options: o, env: env}, nil
}

// Write implements sink.Writer.
func (w *Writer[T]) Write(ctx context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	return w.errorf(w.write(ctx, rows))
}

// write gives the store what was encoded before it takes rows: when they are taken nothing can fail any more, so a batch that is repeated is not there twice.
func (w *Writer[T]) write(ctx context.Context, rows []sink.Row[T]) error {
	if w.full() {
		if err := w.seal(ctx); err != nil {
			return err
		}
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if len(w.buf) >= flushBytes {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	buf, err := w.encoder.Append(w.buf, rows)
	if err != nil {
		return err
	}
	w.buf = buf
	w.rows += int64(len(rows))
	return nil
}

func (w *Writer[T]) full() bool {
	if w.part == nil {
		return false
	}
	size := w.bytes + int64(len(w.buf)) + w.encoder.Held()
	return w.ended || size >= w.options.RollBytes || w.options.RollRows > 0 && w.rows >= w.options.RollRows
}

func (w *Writer[T]) begin(ctx context.Context) error {
	if w.part != nil {
		return nil
	}
	if !w.checked {
		if err := w.discard(ctx, nil); err != nil {
			return err
		}
	}
	name := Name{Subtask: w.env.Subtask, Number: w.number + 1, Ext: w.format.Ext()}
	part, err := w.store.Begin(ctx, name, w.location.claimed().Run)
	if err != nil {
		return err
	}
	w.number++
	w.part, w.encoder, w.buf, w.bytes, w.rows, w.ended = part, w.format.Encoder(), w.buf[:0], 0, 0, false
	return nil
}

func (w *Writer[T]) flush(ctx context.Context) error {
	if err := w.part.Write(ctx, w.buf); err != nil {
		return err
	}
	w.bytes += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// seal ends the part that grows. After an error it may be called again.
func (w *Writer[T]) seal(ctx context.Context) (err error) {
	if !w.ended {
		if w.buf, err = w.encoder.Finish(w.buf); err != nil {
			return err
		}
		w.ended = true
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	p, err := w.part.Prepare(ctx)
	if err != nil {
		return err
	}
	w.ready = append(w.ready, p)
	part := w.part
	w.part, w.encoder = nil, nil
	return part.Close()
}

// discard removes what this subtask left unfinished in an earlier run, except what is in keep, and refuses parts newer than w.number: their rows would come again.
func (w *Writer[T]) discard(ctx context.Context, keep []Prepared) error {
	newest := Name{Subtask: w.env.Subtask, Number: w.number, Ext: "~"} // which sorts behind any extension
	names, err := w.store.List(ctx, Prefix(w.env.Subtask)+"-", newest.String(), listed)
	if err != nil {
		return err
	}
	for _, s := range names {
		if n, ok := ParseName(s); ok && n.Number > w.number {
			return fmt.Errorf("%w: %s in %s is newer than the state that this job starts from; move it away or choose another location", ErrExists, s, w.location.name)
		}
	}
	if err := w.store.Discard(ctx, w.env.Subtask, keep); err != nil {
		return err
	}
	w.checked = true
	return nil
}

// Prepare implements sink.Committer.
func (w *Writer[T]) Prepare(ctx context.Context, _ int64, last bool) ([]byte, error) {
	if err := w.location.check(ctx, w.store); err != nil {
		return nil, w.errorf(err)
	}
	if w.part != nil && w.rows > 0 {
		if err := w.seal(ctx); err != nil {
			return nil, w.errorf(err)
		}
	}
	// Also without rows: a later Recover needs the number, and the location the end.
	data, err := pending{Run: w.location.claimed().Run, Subtask: w.env.Subtask, Number: w.used(), Last: last, Parts: w.ready}.encode()
	if err == nil {
		w.ready = nil
	}
	return data, w.errorf(err)
}

// used is the newest number that a part with rows has.
func (w *Writer[T]) used() int64 {
	if w.part != nil {
		return w.number - 1
	}
	return w.number
}

// Commit implements sink.Committer.
func (w *Writer[T]) Commit(ctx context.Context, data []byte) error {
	if data == nil {
		return nil
	}
	return w.errorf(w.commit(ctx, data))
}

func (w *Writer[T]) commit(ctx context.Context, data []byte) error {
	p, err := decodePending(data)
	if err != nil {
		return err
	}
	if err := w.location.recovered(ctx, w.store, w.env, []string{p.Run}); err != nil {
		return err
	}
	if err := w.location.check(ctx, w.store); err != nil {
		return err
	}
	for _, part := range p.Parts {
		err := w.store.Show(ctx, part, p.Run)
		if errors.Is(err, ErrGone) && w.env.Logger != nil {
			w.env.Logger.Warn("a committed part is gone: it must have been taken away", "part", part.Name, "location", w.location.name)
		}
		if err != nil && !errors.Is(err, ErrGone) {
			return err
		}
	}
	if p.Last && p.Subtask == w.env.Subtask {
		return w.location.finished(ctx, w.store, p.Subtask, w.env.Subtasks)
	}
	return nil
}

// Recover implements sink.Committer. After a change of parallelism it may be given the states of several subtasks.
func (w *Writer[T]) Recover(ctx context.Context, committed [][]byte) error {
	var keep []Prepared
	var runs []string
	for _, data := range committed {
		if data == nil {
			continue
		}
		p, err := decodePending(data)
		if err != nil {
			return w.errorf(err)
		}
		w.number = max(w.number, p.Number)
		keep = append(keep, p.Parts...)
		runs = append(runs, p.Run)
	}
	if err := w.location.recovered(ctx, w.store, w.env, runs); err != nil {
		return w.errorf(err)
	}
	return w.errorf(w.discard(ctx, keep))
}

// Close implements sink.Writer.
func (w *Writer[T]) Close() error {
	if w.store == nil {
		return nil
	}
	var err error
	if w.part != nil {
		err = w.part.Close()
		w.part = nil
	}
	w.store = nil
	return w.errorf(errors.Join(err, w.location.quit()))
}

func (w *Writer[T]) errorf(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", w.name, err)
}
