package parts

import "errors"

// The sinks' errors; sink/file and sink/s3 export and document them.
var (
	ErrExists  = errors.New("a result of another run is in the way")
	ErrInUse   = errors.New("the file is being written by another job")
	ErrDamaged = errors.New("what an earlier run wrote is missing or was changed")
)

// ErrGone is returned by Show for a part that was shown before and is not there any more.
var ErrGone = errors.New("the part was taken away")
