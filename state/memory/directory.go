package memory

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/internal/disk"
)

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
		if err := disk.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}
