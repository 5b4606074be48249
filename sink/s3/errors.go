package s3

import "github.com/millrace/millrace/internal/parts"

// ErrExists is returned by Open, Prepare, Commit or Recover of a run that would overwrite or mix with the result of another one.
var ErrExists = parts.ErrExists

// ErrDamaged is returned by Commit and Recover when what an earlier run wrote is not there as it was written.
var ErrDamaged = parts.ErrDamaged
