// Package state is the contract of keyed state: the codecs that make values durable, and the Backend under the engine's table of live objects.
//
// The engine keeps hot values as live Go values and writes to the Backend only at checkpoints, in one atomic batch, so a Backend sees few, large,
// sorted writes and point reads for keys that were evicted. Keys are opaque bytes.
package state

import "errors"

// ErrCorrupt is wrapped by what a Store returns when stored bytes fail their checksum or structure; the message names the file.
var ErrCorrupt = errors.New("state is damaged")

// ErrLocked is wrapped by what Open returns when another process has the directory open.
var ErrLocked = errors.New("state directory is in use by another process")

// Backend opens stores. Implementations are immutable.
type Backend interface {
	// Open opens or creates the store in dir. An empty dir asks for a store that ends with the process; a Backend that cannot, says so.
	// memoryBytes is what the store may use for its caches and buffers; 0 leaves it to the Backend.
	Open(dir string, memoryBytes int64) (Store, error)
	// String names the backend in plans: "pebble", "memory".
	String() string
}

// Store is an ordered map of bytes to bytes, safe for concurrent use. A Commit is seen by every Get, MultiGet and Scan that starts after it returned. Commits under way
// at the same time write different keys. Calls after Close return an error that wraps fs.ErrClosed.
type Store interface {
	// Get appends the value of key to dst[:0] and reports whether there is one.
	Get(key, dst []byte) (value []byte, found bool, err error)
	// MultiGet calls visit with the index and value of each of keys that has a value. The keys ascend, each is there once. The value is valid during the call of visit
	// only. An error of visit ends it and is returned. What it costs is less than as many calls of Get, where a Store can make it so.
	MultiGet(keys [][]byte, visit func(i int, value []byte) error) error
	// Scan calls visit with each key in [from, to) in order, until visit returns false. A nil to means the end. The slices are valid during the
	// call of visit only. The scan sees one moment's content.
	Scan(from, to []byte, visit func(key, value []byte) bool) error
	// Commit applies the batch whole or not at all, and is durable against power loss when it returns.
	Commit(b *Batch) error
	// Stats tells what the store did since it was opened.
	Stats() Stats
	Close() error
}

// Stats counts a store's work since Open. Each key of a MultiGet is a Get.
type Stats struct {
	Gets, Scans, Commits      int64
	BytesCommitted, DiskBytes int64
}

// Batch is a list of writes for one Commit. Later writes to a key win. The zero value is empty and ready; it is not safe for concurrent use.
// Keys and values are copied into large pieces, so that a batch of many small writes costs few allocations.
type Batch struct {
	ops   [][]batchOp // in pieces too: a list that doubles copies all of itself at once
	count int
	piece []byte
	bytes int64
}

type batchOp struct {
	key, value []byte
	del        bool
}

const (
	batchPiece = 256 << 10
	batchOps   = 4096
)

func (b *Batch) add(o batchOp) {
	n := len(b.ops)
	if n == 0 || len(b.ops[n-1]) == cap(b.ops[n-1]) {
		room := 16 // most batches are small
		if n > 0 {
			room = min(batchOps, max(room, 2*cap(b.ops[n-1])))
		}
		b.ops = append(b.ops, make([]batchOp, 0, room))
		n++
	}
	b.ops[n-1] = append(b.ops[n-1], o)
	b.count++
}

func (b *Batch) hold(p []byte) []byte {
	if len(p) > cap(b.piece)-len(b.piece) {
		b.piece = make([]byte, 0, max(batchPiece, len(p)))
	}
	n := len(b.piece)
	b.piece = append(b.piece, p...)
	return b.piece[n:len(b.piece):len(b.piece)]
}

// Set writes value under key.
func (b *Batch) Set(key, value []byte) {
	b.add(batchOp{key: b.hold(key), value: b.hold(value)})
	b.bytes += int64(len(key) + len(value))
}

// Delete removes key.
func (b *Batch) Delete(key []byte) {
	b.add(batchOp{key: b.hold(key), del: true})
	b.bytes += int64(len(key))
}

// Merge appends other's writes to b; other must not be used afterwards.
func (b *Batch) Merge(other *Batch) {
	for _, ops := range other.ops {
		b.ops = append(b.ops, ops[:len(ops):len(ops)]) // closed: what follows goes into a piece of b's own
	}
	b.count += other.count
	b.bytes += other.bytes
}

// Len is the number of writes, Bytes the length of their keys and values.
func (b *Batch) Len() int     { return b.count }
func (b *Batch) Bytes() int64 { return b.bytes }

// Each calls visit with every write in order. The slices stay valid.
func (b *Batch) Each(visit func(key, value []byte, del bool) error) error {
	for _, ops := range b.ops {
		for i := range ops {
			o := &ops[i]
			if err := visit(o.key, o.value, o.del); err != nil {
				return err
			}
		}
	}
	return nil
}
