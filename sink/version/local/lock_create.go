//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/millrace/millrace/sink/version"
)

const (
	lockTries = 1000
	lockPause = 10 * time.Millisecond
)

// lock makes the file, which must not be there, and removes it afterwards; where the system has no advisory locks, one that a killed process left behind has to
// be removed by hand.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for range lockTries {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			_ = f.Close()
			return func() { _ = os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, fmt.Errorf("%w: another process is changing it, or one that was killed left %s behind: then remove it", version.ErrBusy, path)
}

// syncDirectory does nothing where directories cannot be synced.
func syncDirectory(string) error { return nil }
