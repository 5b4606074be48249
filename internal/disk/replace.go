package disk

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// Replace makes data the contents of the file at path, durably and in one step: whoever reads it, also after a crash, sees the old or the new contents whole. One
// caller at a time: the file .new beside it is in between.
func Replace(path string, data []byte) error {
	next := path + ".new"
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes renames in dir durable. Windows has no such call and does it with the rename.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
