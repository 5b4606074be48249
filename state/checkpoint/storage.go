package checkpoint

import (
	"context"
	"io"
	"time"
)

// Storage is a place for files. Names are slash-separated and plain. It is safe for concurrent use. Package checkpointtest has what every implementation passes.
type Storage interface {
	Small
	// Upload makes the file name with the size bytes of the local file at path: whole and durable when it returns, absent or as it was after an error. A file
	// of that name may be there; it has the same content.
	Upload(ctx context.Context, name, path string, size int64) error
	// Download reads a file from its beginning. A missing one is fs.ErrNotExist, here or from the first Read.
	Download(ctx context.Context, name string) (io.ReadCloser, error)
	// Remove removes a file; a missing one is no error.
	Remove(ctx context.Context, name string) error
	// String is the place in messages, without credentials.
	String() string
}

// Small is the part of a Storage for small files and names.
type Small interface {
	// Get reads a small file, and a tag of this content for Put. A missing file is fs.ErrNotExist.
	Get(ctx context.Context, name string) (data []byte, tag string, err error)
	// Put makes a small file whole and durable. With an empty tag it may not exist, else it must still have the content of the tag; otherwise the error is
	// fs.ErrExist.
	Put(ctx context.Context, name string, data []byte, tag string) error
	// List calls visit for each file whose name begins with prefix, in any order.
	List(ctx context.Context, prefix string, visit func(Entry)) error
}

// Entry is a file of a Storage.
type Entry struct {
	Name string
	Size int64
	// Modified is when it was written, by the storage's clock.
	Modified time.Time
}
