//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package file

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// renamesOpen says that a file may be renamed while it is open, which keeps it locked until it has its name.
const renamesOpen = true

// lock takes the file for this open handle until it is closed, or fails at once with ErrInUse.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	if err != nil {
		return fmt.Errorf("locking the file: %w", err)
	}
	return nil
}
