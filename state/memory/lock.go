package memory

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/state"
)

const lockFile = "LOCK"

// lockDir takes the directory's lock, which ends with the process at the latest. It holds against stores of the same process too. Where the system has no locks it
// refuses: two processes could write one directory.
func lockDir(dir string) (io.Closer, error) {
	lock, err := disk.TryLock(filepath.Join(dir, lockFile))
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, fmt.Errorf("memory: %w: %s: stop the process that has it open, or use another directory", state.ErrLocked, dir)
	case errors.Is(err, errors.ErrUnsupported):
		return nil, fmt.Errorf("memory: lock: %w; use a store without a directory", err)
	case err != nil:
		return nil, fmt.Errorf("memory: lock: %w", err)
	}
	return lock, nil
}
