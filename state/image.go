package state

import (
	"context"
	"errors"
)

// ErrFailed is wrapped by what a Store returns once it has failed for good: every later commit fails too, and only opening the directory again mends it.
var ErrFailed = errors.New("the state store has failed and must be opened again")

// Imager is a Store whose content can be taken away as files.
type Imager interface {
	// Flush brings what was committed so far into files of its own, so that the Image that follows has little left to copy. It is safe beside commits.
	Flush(ctx context.Context) error
	// Image makes the directory dir, which must not exist and whose parent must, on the file system of the store. It gets the files of a store with the
	// content of the commits that have returned, and of none, or all, of each that is under way. The files may share their bytes with the store's own; nobody
	// changes them, and whoever asked for them removes them. A failure leaves the store as it was. A Store that keeps no files returns an error that wraps
	// errors.ErrUnsupported.
	Image(dir string) error
}
