package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/internal/sealed"
)

// Directory is a place in a directory, which is made when it is first written to. On the disk of the state itself files are hard links: they cost no space until the state lets go
// of them, and share its damage. On another disk they are copies.
func Directory(path string) Storage { return directory{filepath.Clean(path)} }

type directory struct{ root string }

const (
	lockName  = ".lock"
	temporary = ".new" // at the end of a name that is being written
)

func (d directory) String() string { return d.root }

func (d directory) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d directory) Get(_ context.Context, name string) (data []byte, tag string, err error) {
	data, err = os.ReadFile(d.path(name))
	if err != nil {
		return nil, "", err
	}
	return data, sealed.Sum(data), nil
}

// Put holds a lock while it compares and writes.
func (d directory) Put(ctx context.Context, name string, data []byte, tag string) (err error) {
	path := d.path(name)
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	lock, err := disk.Lock(ctx, filepath.Join(d.root, lockName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	_, now, err := d.Get(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now != tag {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return disk.Replace(path, data)
}

func (d directory) Upload(ctx context.Context, name, from string, size int64) error {
	path := d.path(name)
	if info, err := os.Stat(path); err == nil && info.Size() == size {
		return nil // whole, since it has its name
	}
	if err := makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	next := path + temporary
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(from, next) != nil { // another disk, or one without links
		if err := copyFile(ctx, from, next); err != nil {
			return errors.Join(err, ignoreMissing(os.Remove(next)))
		}
	}
	if err := syncFile(next); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}

func (d directory) Download(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(d.path(name))
}

func (d directory) Remove(_ context.Context, name string) error {
	return ignoreMissing(os.Remove(d.path(name)))
}

// List leaves out what is being written.
func (d directory) List(ctx context.Context, prefix string, visit func(Entry)) error {
	return filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the place itself, or a file that has just gone
			return nil
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		name, err := filepath.Rel(d.root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if !e.Type().IsRegular() || !strings.HasPrefix(name, prefix) || strings.HasSuffix(name, temporary) || name == lockName {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return ignoreMissing(err)
		}
		visit(Entry{name, info.Size(), info.ModTime()})
		return nil
	})
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// makeDir makes dir and its missing parents and syncs those that gained an entry.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return disk.SyncDir(parent)
}

func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(out, bounded{ctx, in}, make([]byte, copyBytes))
	return errors.Join(err, out.Close())
}

const copyBytes = 1 << 20

// bounded is a reader that ends with its context.
type bounded struct {
	ctx context.Context
	io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.Reader.Read(p)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
