//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

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

// lockDir takes the directory's lock, which ends with the process at the latest. It holds against stores of the same process too.
func lockDir(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("memory: lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("memory: %w: %s: stop the process that has it open, or use another directory", state.ErrLocked, dir)
	} else {
		err = fmt.Errorf("memory: lock %s: %w", f.Name(), err)
	}
	return nil, joinClose(err, f)
}
