package file

import "errors"

// ErrExists is returned by the first Write, Prepare or Recover of a run that would overwrite or mix with the result of another one.
var ErrExists = errors.New("a result of another run is in the way")

// ErrFinished is returned by Write when the restored job had ended and its file is complete.
var ErrFinished = errors.New("the result is complete: the run that wrote it had ended")

// ErrInUse is returned when another Writer, of this or another process, is writing the same file.
var ErrInUse = errors.New("the file is being written by another job")

// ErrDamaged is returned by Commit and Recover when what an earlier run wrote is not there as it was written.
var ErrDamaged = errors.New("what an earlier run wrote is missing or was changed")

var errDelete = errors.New("a file cannot delete rows")
