//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// LocksFiles says whether LockFile can lock open files.
const LocksFiles = false

// TryLock refuses: there are no locks to build on here.
func TryLock(path string) (io.Closer, error) {
	return nil, fmt.Errorf("%s: no file locks on %s: %w", path, runtime.GOOS, errors.ErrUnsupported)
}

// LockFile refuses as TryLock does.
func LockFile(f *os.File) error { return fmt.Errorf("locking %s: %w", f.Name(), errors.ErrUnsupported) }
