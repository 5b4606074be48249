//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// LocksFiles says whether LockFile can lock open files; such systems can also rename them meanwhile.
const LocksFiles = true

// TryLock takes the lock file at path, which is made if missing, or fails at once with ErrLocked. Closing gives it back, and so does the system when the process
// ends, however it ends. Where the system has no such locks the error wraps errors.ErrUnsupported.
func TryLock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := LockFile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// LockFile locks an open file until it is closed, or fails at once with ErrLocked.
func LockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w", f.Name(), ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return nil
}
