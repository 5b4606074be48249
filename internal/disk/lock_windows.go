package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// LocksFiles says whether LockFile can lock open files.
const LocksFiles = false

const errSharingViolation = syscall.Errno(32)

// TryLock takes the lock file at path, which is made if missing, or fails at once with ErrLocked: it is open for nobody else until it is closed.
func TryLock(path string) (io.Closer, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return os.NewFile(uintptr(h), path), nil
}

// LockFile cannot lock a file that is open already.
func LockFile(f *os.File) error { return fmt.Errorf("locking %s: %w", f.Name(), errors.ErrUnsupported) }
