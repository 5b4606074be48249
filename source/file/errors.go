package file

import "errors"

// ErrTruncated is wrapped by what Fetch returns where a file ends in the middle of a length-delimited record or of its compressed data.
// The records before it have been delivered.
var ErrTruncated = errors.New("file ends in the middle of a record")

// ErrTooLong is wrapped by what Fetch returns for a record longer than the limit, see WithMaxRecord.
var ErrTooLong = errors.New("record is longer than the limit")

// ErrNoFiles is wrapped by what Splits returns for a path or pattern that matches no file.
var ErrNoFiles = errors.New("no such file")
