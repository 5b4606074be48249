//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package memory

import (
	"errors"
	"fmt"
	"io"
	"runtime"
)

// lockDir refuses: without a lock two processes could write one directory.
func lockDir(dir string) (io.Closer, error) {
	return nil, fmt.Errorf("memory: %s: no file locks on %s; use a store without a directory: %w", dir, runtime.GOOS, errors.ErrUnsupported)
}
