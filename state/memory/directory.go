package memory

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const lockFile = "LOCK"

// makeDir creates dir and its missing parents, and syncs each directory that gained an entry.
func makeDir(dir string) error {
	var grown []string
	for d := filepath.Clean(dir); ; {
		_, err := os.Stat(d)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		grown = append(grown, filepath.Dir(d))
		d = filepath.Dir(d)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range grown {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes renames in dir durable. Windows has no such call and does it with the rename.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return joinClose(d.Sync(), d)
}
