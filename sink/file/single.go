package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

type single[T any] struct {
	path   string
	format *format.Text[T]
}

func (s *single[T]) Traits() sink.Traits { return sink.Traits{Single: true} }

func (s *single[T]) String() string { return s.format.Name() + " path=" + s.path }

// Open touches nothing but the directory: a restarted job commits and recovers before the file may be changed.
func (s *single[T]) Open(_ context.Context, env sink.Env) (sink.Writer[T], error) {
	if err := s.format.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	if s.path == "" {
		return nil, fmt.Errorf("%s: the path is empty", s)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	root, err := os.OpenRoot(filepath.Dir(s.path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	return &singleWriter[T]{sink: s, logger: env.Logger, root: root, name: filepath.Base(s.path)}, nil
}

// singleWriter keeps one invariant: PATH.inprogress begins with what the last completed checkpoint covers, and PATH does not exist before Commit of the last one.
type singleWriter[T any] struct {
	sink   *single[T]
	logger *slog.Logger
	root   *os.Root // the directory
	name   string   // in it
	out    *output  // nil before the first rows and after Close
	final  *pending // the complete file, once no rows may follow
}

func (w *singleWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	if err := w.begin(); err != nil {
		return w.errorf(err)
	}
	return w.errorf(add(w.out, w.sink.format, rows))
}

// begin starts the file of a run that has not recovered one. What an unfinished run left behind is dropped: no checkpoint of this run covers it.
func (w *singleWriter[T]) begin() error {
	if w.final != nil {
		return ErrFinished
	}
	if w.out != nil {
		return nil
	}
	if err := w.refuseExisting(); err != nil {
		return err
	}
	out, err := createOutput(w.root, w.name+inProgress)
	if err != nil {
		return err
	}
	out.buf = append(out.buf, w.sink.format.Header()...)
	w.out = out
	return nil
}

func (w *singleWriter[T]) refuseExisting() error {
	_, err := w.root.Lstat(w.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: move %s away or choose another path", ErrExists, w.sink.path)
}

// Prepare implements sink.Committer.
func (w *singleWriter[T]) Prepare(_ context.Context, _ int64, last bool) ([]byte, error) {
	if w.final != nil {
		return w.final.encode()
	}
	if err := w.begin(); err != nil {
		return nil, w.errorf(err)
	}
	if err := w.out.sync(); err != nil {
		return nil, w.errorf(err)
	}
	if err := syncDir(w.root); err != nil {
		return nil, w.errorf(err)
	}
	p := pending{Length: w.out.length, Sum: w.out.sum, Last: last}
	if last {
		w.final = &p
	}
	return p.encode()
}

// Commit implements sink.Committer. Only the last one shows anything.
func (w *singleWriter[T]) Commit(_ context.Context, data []byte) error {
	if data == nil {
		return nil
	}
	p, err := decodePending(data)
	if err != nil || !p.Last {
		return w.errorf(err)
	}
	return w.errorf(w.show(p))
}

func (w *singleWriter[T]) show(p pending) error {
	err := verifyWhole(w.root, w.name+inProgress, p.Length, p.Sum)
	if errors.Is(err, fs.ErrNotExist) {
		return w.shownBefore(p)
	}
	if err != nil {
		return err
	}
	if err := w.refuseExisting(); err != nil {
		return err
	}
	if !renamesOpen && w.out != nil {
		if err := w.closeOutput(); err != nil {
			return err
		}
	}
	if err := w.root.Rename(w.name+inProgress, w.name); err != nil {
		return err
	}
	return syncDir(w.root)
}

// shownBefore handles a Commit that is repeated: only Commit takes the prepared file away.
func (w *singleWriter[T]) shownBefore(p pending) error {
	err := verifyWhole(w.root, w.name, p.Length, p.Sum)
	if errors.Is(err, fs.ErrNotExist) {
		warn(w.logger, "the finished file is gone: it must have been taken away", "path", w.sink.path)
		return nil
	}
	return err
}

// Recover implements sink.Committer.
func (w *singleWriter[T]) Recover(_ context.Context, committed [][]byte) error {
	switch len(committed) {
	case 0:
		return w.errorf(w.begin())
	case 1:
	default:
		return w.errorf(fmt.Errorf("the checkpoint holds %d states of one file", len(committed)))
	}
	p, err := decodePending(committed[0])
	if err != nil {
		return w.errorf(err)
	}
	if p.Last {
		w.final = &p
		return nil
	}
	if err := w.refuseExisting(); err != nil {
		return w.errorf(err)
	}
	if w.out, err = resumeOutput(w.root, w.name+inProgress, p); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w; bring it back, or start the job without its saved state", ErrDamaged, err)
	}
	return w.errorf(err)
}

func (w *singleWriter[T]) Close() error {
	return w.errorf(errors.Join(w.closeOutput(), w.root.Close()))
}

func (w *singleWriter[T]) closeOutput() error {
	if w.out == nil {
		return nil
	}
	out := w.out
	w.out = nil
	return out.close()
}

func (w *singleWriter[T]) errorf(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", w.sink, err)
}

func warn(l *slog.Logger, message string, args ...any) {
	if l != nil {
		l.Warn(message, args...)
	}
}
