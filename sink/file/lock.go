package file

import (
	"errors"
	"os"

	"github.com/millrace/millrace/internal/disk"
)

// renamesOpen says that a file may be renamed while it is open, which keeps it locked until it has its name.
const renamesOpen = disk.LocksFiles

// lock takes the file for this open handle until it is closed, or fails at once with ErrInUse. Where open files cannot be locked it does nothing: two jobs that write
// one file are not noticed.
func lock(f *os.File) error {
	err := disk.LockFile(f)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return ErrInUse
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	}
	return err
}
