package memory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/millrace/millrace/state"
)

const errSharingViolation = syscall.Errno(32)

// lockDir takes the directory's lock, which ends with the process at the latest: the lock file open for nobody else.
func lockDir(dir string) (io.Closer, error) {
	path := filepath.Join(dir, lockFile)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("memory: lock %s: %w", path, err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, fmt.Errorf("memory: %w: %s: stop the process that has it open, or use another directory", state.ErrLocked, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("memory: lock %s: %w", path, err)
	}
	return os.NewFile(uintptr(h), path), nil
}
