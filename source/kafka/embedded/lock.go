package embedded

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/millrace/millrace/internal/disk"
)

// errLocked is what lockDir returns while another process, or another Broker of this one, serves the directory.
var errLocked = errors.New("embedded broker: the directory is served already")

// lockDir takes the directory's lock, which ends with the process at the latest.
func lockDir(dir string) (io.Closer, error) {
	lock, err := disk.TryLock(filepath.Join(dir, "lock"))
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, errLocked
	case errors.Is(err, errors.ErrUnsupported):
		return nil, fmt.Errorf("embedded broker: data directory: %w; start it with an empty directory, in memory, or use a real broker", err)
	case err != nil:
		return nil, fmt.Errorf("embedded broker: lock of the data directory: %w", err)
	}
	return lock, nil
}
