package pebble

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
)

const (
	lockFile  = "LOCK"
	ingestDir = "ingest" // tables on their way into the database
	trialFile = "TRIAL"
)

// makeDir creates dir and its missing parents, and syncs each directory that gained an entry, so that a power loss cannot take the store's directory with it.
func makeDir(fs vfs.FS, dir string) error {
	var grown []string
	for d := dir; ; {
		if _, err := fs.Stat(d); err == nil {
			break
		}
		parent := fs.PathDir(d)
		grown = append(grown, parent)
		if parent == d {
			break
		}
		d = parent
	}
	if len(grown) == 0 {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range grown {
		if err := syncDir(fs, d); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return joinClose(fmt.Errorf("sync directory %s: %w", dir, err), d)
	}
	return d.Close()
}

// lockDir takes the directory's lock, which ends with the process at the latest.
func lockDir(fs *fencedFS, dir string) (io.Closer, error) {
	name := fs.PathJoin(dir, lockFile)
	l, err := fs.FS.Lock(name)
	if err != nil {
		// What a lock held elsewhere looks like differs by platform; being unable to create the file does not look like it.
		if _, serr := fs.Stat(name); serr != nil {
			return nil, fmt.Errorf("pebble: lock %s: %w", name, err)
		}
		return nil, fmt.Errorf("pebble: %w: %s: stop the process that has it open, or use another directory (%w)", state.ErrLocked, dir, err)
	}
	return l, nil
}

// clearLeft removes what a crash cut short: the tables of a commit, of which the database has its own links once it is finished, and an image.
func clearLeft(fs vfs.FS, dir string) error {
	for _, name := range []string{ingestDir, imagesDir} {
		path := fs.PathJoin(dir, name)
		_, err := fs.Stat(path)
		switch {
		case errors.Is(err, iofs.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		if err := fs.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// trialBytes is more than opening writes before it returns.
const trialBytes = 256 << 10

// tryDisk writes, syncs and removes a file. Pebble, when it finds while it opens that the disk is full, leaves goroutines behind that panic, and nobody could catch that; so what
// is known to fail is not begun.
func tryDisk(fs vfs.FS, dir string) error {
	path := fs.PathJoin(dir, trialFile)
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, trialBytes))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(joinClose(err, f), fs.Remove(path))
	if err == nil {
		err = syncDir(fs, dir)
	}
	return err
}
