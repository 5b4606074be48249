package file

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/millrace/millrace/internal/parts"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

// Option changes how a directory is written.
type Option func(*settings)

type settings struct {
	below string
	parts parts.Options
}

// Below puts the files into a directory below the sink's, given as a slash-separated path: the root may be shared by many results, each in a place of its own
// ("sessions/v2"). It cannot leave the root: segments that begin with a dot or an underscore, and symbolic links that lead out of it, are refused.
func Below(path string) Option { return func(s *settings) { s.below = path } }

// RollBytes is the size at which a file is full and the next one begins, before the checkpoint shows both; 256 MiB without it.
func RollBytes(n int64) Option { return func(s *settings) { s.parts.RollBytes = n } }

// RollRows is the number of rows at which a file is full; a batch is not divided, so it may be exceeded by less than one. Without it only the size counts.
func RollRows(n int64) Option { return func(s *settings) { s.parts.RollRows = n } }

type directory[T any] struct {
	dir      string
	format   format.Format[T]
	settings settings
	location *parts.Location
}

func newDirectory[T any](dir string, f format.Format[T], options []Option) *directory[T] {
	d := &directory[T]{dir: dir, format: f}
	for _, o := range options {
		o(&d.settings)
	}
	d.location = parts.NewLocation(d.path(), f.Columns(), func(context.Context) (parts.Store, error) { return openStore(d.dir, d.settings.below) })
	return d
}

func (d *directory[T]) path() string {
	return filepath.Join(d.dir, filepath.FromSlash(d.settings.below))
}

func (d *directory[T]) Traits() sink.Traits { return sink.Traits{} }

func (d *directory[T]) String() string { return d.format.Name() + " dir=" + d.path() }

// Open claims the directory for a job without saved state, and touches nothing else in it: a restarted job commits and recovers first.
func (d *directory[T]) Open(ctx context.Context, env sink.Env) (sink.Writer[T], error) {
	err := errors.Join(d.format.Validate(), d.settings.parts.Validate(), parts.CheckPath("the path below "+d.dir, d.settings.below))
	if err == nil && d.dir == "" {
		err = errors.New("the directory's name is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d, err)
	}
	w, err := parts.Open(ctx, d.String(), d.location, d.format, d.settings.parts, env)
	if err != nil {
		return nil, err
	}
	return w, nil
}
