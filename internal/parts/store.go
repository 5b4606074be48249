package parts

import "context"

// Store is the place of a location. Each session of a sink opens one; its methods may be called by several goroutines. Errors that waiting may mend are marked by
// sink.Temporary. Names are plain.
type Store interface {
	Small
	// Begin makes a part that no reader sees. Of the same subtask one part is begun at a time.
	Begin(ctx context.Context, name Name, run string) (Part, error)
	// Show makes a prepared part visible under its name, which must be free. Once more it does nothing.
	Show(ctx context.Context, p Prepared, run string) error
	// Discard removes what the subtask left invisible, but for the prepared parts in keep.
	Discard(ctx context.Context, subtask int, keep []Prepared) error
	// Close gives back what was opened, with the lock.
	Close() error
}

// Small is the part of a Store that keeps the few small files beside the parts.
type Small interface {
	// Get reads a file, and a tag of this content for Put. A missing file is fs.ErrNotExist.
	Get(ctx context.Context, name string) (data []byte, tag string, err error)
	// Put makes a file whole. With an empty tag it may not exist, else it must still have the content of the tag; otherwise the error is fs.ErrExist.
	Put(ctx context.Context, name string, data []byte, tag string) error
	// List returns up to limit visible names that begin with prefix and sort behind after, in order.
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)
}

// Part is a part that grows. It is used by one goroutine.
type Part interface {
	// Write appends all of data or, with an error, nothing.
	Write(ctx context.Context, data []byte) error
	// Prepare makes the part durable and whole, still invisible, and ends it. After an error it may be called again.
	Prepare(ctx context.Context) (Prepared, error)
	// Close drops a part that was not prepared, and gives back what it holds.
	Close() error
}

// Prepared is what a pending keeps of a part. Its JSON is read by later versions of the program.
type Prepared struct {
	Name   string   `json:"name"`
	Length int64    `json:"length"`
	Sum    uint32   `json:"crc32c"`
	Upload string   `json:"upload,omitempty"` // of an object: the multipart upload
	ETags  []string `json:"etags,omitempty"`  // of an object: what the server answered for each piece
	Token  string   `json:"token,omitempty"`  // of an object: in its metadata
}
