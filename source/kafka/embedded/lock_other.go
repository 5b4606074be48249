//go:build !unix

package embedded

import (
	"errors"
	"fmt"
)

var errLocked = errors.New("embedded broker: the directory is served already")

type dirLock struct{}

// lockDir has no advisory file locks to build on here.
func lockDir(dir string) (*dirLock, error) {
	return nil, fmt.Errorf("embedded broker: a data directory (%s) needs a Unix system: start it with an empty directory, in memory, or use a real broker", dir)
}

func (l *dirLock) release() error { return nil }
