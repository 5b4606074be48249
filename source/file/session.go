package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/millrace/millrace/source"
)

type session[T any] struct {
	*Source[T]
	env source.Env
}

// Splits lists the files in the order of the paths given, a pattern's in the order of their names, each file once. A file's number in that order is its
// partition.
func (s session[T]) Splits(ctx context.Context) ([]source.Split, error) {
	var paths []string
	for _, p := range s.patterns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, err := expand(p)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !slices.Contains(paths, f) {
				paths = append(paths, f)
			}
		}
	}
	out := make([]source.Split, len(paths))
	for i, p := range paths {
		out[i] = source.Split{ID: p, Topic: p, Partition: int32(i), Partitions: int32(len(paths)), Earliest: 1, Start: 1, Stop: EndOfFile}
	}
	return out, nil
}

// expand gives the files of a path or pattern, with slashes on every platform. A file whose name looks like a pattern is taken literally.
func expand(pattern string) ([]string, error) {
	found := []string{pattern}
	if _, err := os.Stat(pattern); err != nil {
		if found, err = filepath.Glob(pattern); err != nil {
			return nil, fmt.Errorf("file %q: %w", pattern, err)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("file %q: %w: check the path, relative to the directory the program runs in", pattern, ErrNoFiles)
	}
	for i, f := range found {
		found[i] = filepath.ToSlash(filepath.Clean(f))
	}
	return found, nil
}

func (s session[T]) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[T], error) {
	if at < 1 {
		return nil, fmt.Errorf("file %s: position %d: records are numbered from 1", split.ID, at)
	}
	r, err := open(s.Source, s.env, split)
	if err != nil {
		return nil, err
	}
	if err := r.skipTo(ctx, at); err != nil {
		return nil, closeAfter(err, r)
	}
	return r, nil
}

func (s session[T]) Close() error { return nil }
