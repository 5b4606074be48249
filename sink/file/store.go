package file

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/parts"
)

const (
	inProgress = ".inprogress"
	prepared   = ".prepared"
	lockName   = ".millrace.lock"
)

// store is a directory of parts. A part is .part-SUBTASK.inprogress while it grows, .NAME.prepared once prepared, so that no pattern like *.csv finds it, and NAME once shown. The steps are renames, so a part is always whole.
// The directory is locked for one process at a time. Nothing is followed out of the sink's root.
type store struct {
	root *os.Root
	lock *output
}

func openStore(dir, below string) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if below != "" {
		if root, err = descend(root, below); err != nil {
			return nil, err
		}
	}
	lock, err := openOutput(root, lockName, os.O_CREATE)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &store{root: root, lock: lock}, nil
}

// descend opens a directory below root, which it closes, and makes it where it is missing.
func descend(root *os.Root, below string) (*os.Root, error) {
	defer root.Close()
	if err := root.MkdirAll(filepath.FromSlash(below), 0o755); err != nil {
		return nil, fmt.Errorf("%s in %s: %w", below, root.Name(), err)
	}
	return root.OpenRoot(filepath.FromSlash(below))
}

func (s *store) Close() error { return errors.Join(s.lock.close(), s.root.Close()) }

func (s *store) Get(_ context.Context, name string) (data []byte, tag string, err error) {
	data, err = s.root.ReadFile(name)
	return data, string(data), err
}

// Put makes the file under another name, so that it is whole wherever a crash comes. A link does not replace what is there; a rename does, which the lock makes safe.
func (s *store) Put(_ context.Context, name string, data []byte, tag string) error {
	tmp := "." + name + inProgress
	if err := s.writeFile(tmp, data); err != nil {
		return err
	}
	if tag == "" {
		return s.putNew(tmp, name)
	}
	if there, err := s.root.ReadFile(name); err != nil || string(there) != tag {
		return errors.Join(fmt.Errorf("%s was changed meanwhile: %w", inRoot(s.root, name), fs.ErrExist), err)
	}
	if err := s.root.Rename(tmp, name); err != nil {
		return err
	}
	return syncDir(s.root)
}

func (s *store) putNew(tmp, name string) error {
	err := s.root.Link(tmp, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return errors.Join(err, s.root.Remove(tmp), syncDir(s.root))
	}
	// The file system has no links.
	if _, err := s.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s: %w", inRoot(s.root, name), fs.ErrExist), err)
	}
	return errors.Join(s.root.Rename(tmp, name), syncDir(s.root))
}

func (s *store) writeFile(name string, data []byte) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func (s *store) List(_ context.Context, prefix, after string, limit int) (names []string, err error) {
	all, err := s.names()
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		if strings.HasPrefix(name, prefix) && name > after && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[:min(limit, len(names))], nil
}

func (s *store) names() ([]string, error) {
	d, err := s.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (s *store) Discard(_ context.Context, subtask int, keep []parts.Prepared) error {
	names, err := s.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		part, isPart := strings.CutPrefix(name, "."+parts.Prefix(subtask)+"-")
		kept := slices.ContainsFunc(keep, func(p parts.Prepared) bool { return hidden(p.Name) == name })
		if name == growing(subtask) || isPart && part != "" && !kept {
			if err := s.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes a hidden file, unless another Writer is writing it.
func (s *store) remove(name string) error {
	f, err := openOutput(s.root, name, 0)
	if err != nil {
		return err
	}
	return errors.Join(s.root.Remove(name), f.close())
}

func growing(subtask int) string { return "." + parts.Prefix(subtask) + inProgress }

func hidden(name string) string { return "." + name + prepared }

func (s *store) Begin(_ context.Context, name parts.Name, _ string) (parts.Part, error) {
	out, err := createOutput(s.root, growing(name.Subtask))
	if err != nil {
		return nil, err
	}
	return &part{store: s, name: name, out: out}, nil
}

// Show renames a prepared part. Where the file is gone under both names it was shown before and taken away since: only Show takes the hidden one away.
func (s *store) Show(_ context.Context, p parts.Prepared, _ string) error {
	err := verifyWhole(s.root, hidden(p.Name), p.Length, p.Sum)
	if errors.Is(err, fs.ErrNotExist) {
		if err = verifyWhole(s.root, p.Name, p.Length, p.Sum); errors.Is(err, fs.ErrNotExist) {
			return parts.ErrGone
		}
		return err
	}
	if err != nil {
		return err
	}
	if _, err := s.root.Lstat(p.Name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%w: %s", ErrExists, inRoot(s.root, p.Name)), err)
	}
	if err := s.root.Rename(hidden(p.Name), p.Name); err != nil {
		return err
	}
	return syncDir(s.root)
}

// part is a file that grows.
type part struct {
	store   *store
	name    parts.Name
	out     *output // nil after Close
	renamed bool
}

func (p *part) Write(_ context.Context, data []byte) error {
	if _, err := p.out.file.WriteAt(data, p.out.length); err != nil {
		return err
	}
	p.out.length += int64(len(data))
	p.out.sum = crc32.Update(p.out.sum, castagnoli, data)
	return nil
}

func (p *part) Prepare(context.Context) (parts.Prepared, error) {
	whole := parts.Prepared{Name: p.name.String(), Length: p.out.length, Sum: p.out.sum}
	if !p.renamed {
		if err := p.out.sync(); err != nil {
			return whole, err
		}
		if !renamesOpen {
			if err := p.out.close(); err != nil {
				return whole, err
			}
		}
		if err := p.store.root.Rename(growing(p.name.Subtask), hidden(whole.Name)); err != nil {
			return whole, err
		}
		p.renamed = true
	}
	return whole, syncDir(p.store.root)
}

func (p *part) Close() error {
	if p.out == nil {
		return nil
	}
	out := p.out
	p.out = nil
	if err := out.close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
