package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/sink"
)

type directory[T any] struct {
	dir    string
	format format[T]
}

func (d *directory[T]) Traits() sink.Traits { return sink.Traits{} }

func (d *directory[T]) String() string { return d.format.name + " dir=" + d.dir }

// Open touches nothing but the directory itself: a restarted job commits and recovers first.
func (d *directory[T]) Open(_ context.Context, env sink.Env) (sink.Writer[T], error) {
	if err := d.format.invalid; err != nil {
		return nil, fmt.Errorf("%s: %w", d, err)
	}
	if d.dir == "" {
		return nil, fmt.Errorf("%s: the directory's name is empty", d)
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", d, err)
	}
	return &partWriter[T]{sink: d, logger: env.Logger, prefix: fmt.Sprintf("part-%05d", env.Subtask)}, nil
}

// partWriter writes one subtask's parts. A part is .PREFIX.inprogress while it grows, .PREFIX-NUMBER.EXT once prepared, PREFIX-NUMBER.EXT once committed. The
// first and last step are renames, so a part is always whole. Numbers follow the checkpoints', and grow in any case.
type partWriter[T any] struct {
	sink    *directory[T]
	logger  *slog.Logger
	prefix  string
	checked bool    // the directory was looked at, by Recover or before the first part
	out     *output // nil while the part has no rows
	number  int64   // the newest used
}

func (w *partWriter[T]) Write(_ context.Context, rows []sink.Row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	if err := w.begin(); err != nil {
		return w.errorf(err)
	}
	return w.errorf(add(w.out, &w.sink.format, rows))
}

func (w *partWriter[T]) begin() error {
	if w.out != nil {
		return nil
	}
	if !w.checked {
		if err := w.discard(nil); err != nil {
			return err
		}
	}
	out, err := createOutput(w.inProgress())
	if err != nil {
		return err
	}
	out.buf = append(out.buf, w.sink.format.header...)
	w.out = out
	return nil
}

// discard removes what this subtask left unfinished in an earlier run, except the parts named in keep, and refuses parts newer than w.number:
// their rows would come again.
func (w *partWriter[T]) discard(keep map[string]bool) error {
	files, err := os.ReadDir(w.sink.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := f.Name()
		switch {
		case strings.HasPrefix(name, w.prefix+"-"):
			var number int64
			if _, err := fmt.Sscanf(name[len(w.prefix):], "-%d", &number); err == nil && number > w.number {
				return fmt.Errorf("%w: %s is newer than the state that this job starts from; move it away or choose another directory",
					ErrExists, filepath.Join(w.sink.dir, name))
			}
		case name == filepath.Base(w.inProgress()), strings.HasPrefix(name, "."+w.prefix+"-") && !keep[name[1:]]:
			if err := w.remove(name); err != nil {
				return err
			}
		}
	}
	w.checked = true
	return nil
}

// remove deletes a hidden file, unless another process is writing it.
func (w *partWriter[T]) remove(name string) error {
	path := filepath.Join(w.sink.dir, name)
	f, err := openOutput(path, 0)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(path), f.close())
}

// Prepare implements sink.Committer.
func (w *partWriter[T]) Prepare(_ context.Context, checkpoint int64, _ bool) ([]byte, error) {
	if w.out == nil {
		// Without rows there is nothing to show, but a later Recover needs the number.
		return pending{Number: w.number}.encode()
	}
	if err := w.out.sync(); err != nil {
		return nil, w.errorf(err)
	}
	number := max(checkpoint, w.number+1)
	p := pending{Length: w.out.length, Sum: w.out.sum, Number: number, Part: fmt.Sprintf("%s-%010d%s", w.prefix, number, w.sink.format.ext)}
	if !renamesOpen {
		if err := w.Close(); err != nil {
			return nil, err
		}
	}
	if err := os.Rename(w.inProgress(), w.hidden(p)); err != nil {
		return nil, w.errorf(err)
	}
	if err := syncDir(w.sink.dir); err != nil {
		return nil, w.errorf(err)
	}
	w.number = number
	if err := w.Close(); err != nil {
		return nil, err
	}
	return p.encode()
}

// Commit implements sink.Committer.
func (w *partWriter[T]) Commit(_ context.Context, data []byte) error {
	if data == nil {
		return nil
	}
	p, err := decodePending(data)
	if err != nil || p.Part == "" {
		return w.errorf(err)
	}
	return w.errorf(w.show(p))
}

func (w *partWriter[T]) show(p pending) error {
	visible := filepath.Join(w.sink.dir, p.Part)
	err := verifyWhole(w.hidden(p), p)
	if errors.Is(err, fs.ErrNotExist) {
		// Commit is repeated: only Commit takes the prepared file away.
		if err = verifyWhole(visible, p); errors.Is(err, fs.ErrNotExist) {
			warn(w.logger, "a committed file is gone: it must have been taken away", "path", visible)
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(visible); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%w: %s", ErrExists, visible), err)
	}
	if err := os.Rename(w.hidden(p), visible); err != nil {
		return err
	}
	return syncDir(w.sink.dir)
}

// Recover implements sink.Committer. After a change of parallelism it may be given the states of several subtasks.
func (w *partWriter[T]) Recover(_ context.Context, committed [][]byte) error {
	keep := make(map[string]bool, len(committed))
	for _, data := range committed {
		if data == nil {
			continue
		}
		p, err := decodePending(data)
		if err != nil {
			return w.errorf(err)
		}
		w.number = max(w.number, p.Number)
		keep[p.Part] = true
	}
	return w.errorf(w.discard(keep))
}

func (w *partWriter[T]) Close() error {
	if w.out == nil {
		return nil
	}
	out := w.out
	w.out = nil
	return w.errorf(out.close())
}

func (w *partWriter[T]) inProgress() string {
	return filepath.Join(w.sink.dir, "."+w.prefix+inProgress)
}

func (w *partWriter[T]) hidden(p pending) string { return filepath.Join(w.sink.dir, "."+p.Part) }

func (w *partWriter[T]) errorf(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", w.sink, err)
}
