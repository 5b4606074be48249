package disk

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrLocked is returned while another process, or another caller in this one, has the lock.
var ErrLocked = errors.New("locked by another process")

// lockPause is the time between two tries of Lock.
const lockPause = 10 * time.Millisecond

// Lock waits until it has the lock of TryLock, or returns ctx's cause.
func Lock(ctx context.Context, path string) (io.Closer, error) {
	for {
		lock, err := TryLock(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
