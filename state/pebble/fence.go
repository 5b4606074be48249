package pebble

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fencedFS is the one door to the disk. Pebble expects its process to end where it meets an error it cannot survive; the fence gives the same guarantee and lets
// the process live: once the store has failed and is fenced, no write, sync, rename or removal by what still runs of it reaches the files, so another store may
// open the directory.
//
// Where Pebble would panic under its own locks, which ends the process whatever its callers do, the call that failed never returns instead: a write or sync of the
// write-ahead log, its creation, a directory's sync. Pebble makes them without the lock that reads take, so only commits and background work wait behind
// them, and commits are called in a way that does not (see guarded).
type fencedFS struct {
	vfs.FS
	failure *failure
}

// errFenced is what Pebble gets for an operation after the store has failed; callers of the store get the failure.
var errFenced = errors.New("the store has failed before")

// fencePause bounds how fast background work that retries for ever can spin on a failed store.
const fencePause = 50 * time.Millisecond

// walCategory is what Pebble creates its write-ahead log as.
const walCategory vfs.DiskWriteCategory = "pebble-wal"

// do runs op, which writes, unless the fence is up. For a vital one, the failure of which Pebble would not survive, neither the fence's refusal nor an
// error returns.
func (fs *fencedFS) do(vital bool, what string, op func() error) error {
	f := fs.failure
	f.underway.Add(1)
	if f.fenced.Load() {
		f.underway.Add(-1)
		if !f.closing.Load() {
			if vital {
				f.freeze()
			}
			time.Sleep(fencePause)
		}
		return fmt.Errorf("%s refused: %w", what, errFenced)
	}
	err := op()
	f.underway.Add(-1)
	if vital && err != nil && f.opened.Load() && !f.closing.Load() {
		f.fence(fmt.Errorf("pebble: store %s failed: %s: %w; repair the cause and open it again", f.dir, what, err))
		f.freeze()
	}
	return err
}

// open is do for what opens a file.
func (fs *fencedFS) open(vital bool, what string, op func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := fs.do(vital, what, func() (err error) { f, err = op(); return err })
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: f, fs: fs, vital: vital}, nil
}

// markerPrefix begins the names of the files that say which manifest counts.
const markerPrefix = "marker."

// Create makes the directory durable before a marker in it: a power loss must not keep the marker and lose the manifest that it names.
func (fs *fencedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(fs.PathBase(name), markerPrefix) {
		if err := syncDir(fs, fs.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return fs.open(c == walCategory, "create", func() (vfs.File, error) { return fs.FS.Create(name, c) })
}

func (fs *fencedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return fs.open(c == walCategory, "open", func() (vfs.File, error) { return fs.FS.OpenReadWrite(name, c, opts...) })
}

func (fs *fencedFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.open(c == walCategory, "reuse", func() (vfs.File, error) { return fs.FS.ReuseForWrite(oldname, newname, c) })
}

func (fs *fencedFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: f, fs: fs, vital: !fs.ofImage(name)}, nil
}

// ofImage reports whether name is where images are made: the store does not depend on it.
func (fs *fencedFS) ofImage(name string) bool {
	images := fs.PathJoin(fs.failure.dir, imagesDir)
	return name == images || strings.HasPrefix(name, fs.PathJoin(images, "x")[:len(images)+1])
}

func (fs *fencedFS) Link(oldname, newname string) error {
	return fs.do(false, "link", func() error { return fs.FS.Link(oldname, newname) })
}

func (fs *fencedFS) Remove(name string) error {
	return fs.do(false, "remove", func() error { return fs.FS.Remove(name) })
}

func (fs *fencedFS) RemoveAll(name string) error {
	return fs.do(false, "remove", func() error { return fs.FS.RemoveAll(name) })
}

func (fs *fencedFS) Rename(oldname, newname string) error {
	return fs.do(false, "rename", func() error { return fs.FS.Rename(oldname, newname) })
}

func (fs *fencedFS) MkdirAll(dir string, perm os.FileMode) error {
	return fs.do(false, "create", func() error { return fs.FS.MkdirAll(dir, perm) })
}

// Lock gives Pebble a lock that holds nothing: the store holds the directory's lock itself, so that it can release it when it has to abandon Pebble.
func (fs *fencedFS) Lock(string) (io.Closer, error) { return noLock{}, nil }

func (fs *fencedFS) Unwrap() vfs.FS { return fs.FS }

type noLock struct{}

func (noLock) Close() error { return nil }

type fencedFile struct {
	vfs.File
	fs    *fencedFS
	vital bool
}

func (f *fencedFile) do(what string, op func() error) error { return f.fs.do(f.vital, what, op) }

func (f *fencedFile) Write(p []byte) (n int, err error) {
	err = f.do("write", func() (err error) { n, err = f.File.Write(p); return err })
	return n, err
}

func (f *fencedFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.do("write", func() (err error) { n, err = f.File.WriteAt(p, off); return err })
	return n, err
}

func (f *fencedFile) Preallocate(off, n int64) error {
	return f.do("preallocate", func() error { return f.File.Preallocate(off, n) })
}

func (f *fencedFile) Sync() error { return f.do("sync", f.File.Sync) }

func (f *fencedFile) SyncData() error { return f.do("sync", f.File.SyncData) }

func (f *fencedFile) SyncTo(n int64) (full bool, err error) {
	err = f.do("sync", func() (err error) { full, err = f.File.SyncTo(n); return err })
	return full, err
}
