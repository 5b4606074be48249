package file

import (
	"errors"

	"github.com/millrace/millrace/internal/parts"
)

// ErrExists is returned by Open, or by the first Write, Prepare or Recover, of a run that would overwrite or mix with the result of another one.
var ErrExists = parts.ErrExists

// ErrFinished is returned by Write when the restored job had ended and its file is complete.
var ErrFinished = errors.New("the result is complete: the run that wrote it had ended")

// ErrInUse is returned when another Writer, of this or another process, is writing the same file or directory.
var ErrInUse = parts.ErrInUse

// ErrDamaged is returned by Commit and Recover when what an earlier run wrote is not there as it was written.
var ErrDamaged = parts.ErrDamaged
