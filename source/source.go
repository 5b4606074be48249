// Package source is the contract between the engine and whatever feeds it: a Kafka topic, a file, a slice.
//
// A Source is a description; opening it gives a Session, which knows the splits (Kafka partitions, files) and opens a Reader for each.
// The engine runs one task per split. A task's pump goroutine calls Reader.Fetch, which may block; the task itself walks the Chunk that
// came back, so decoding happens on the goroutine that processes the record, one record at a time.
//
// A position is an int64 that grows along the split: a Kafka offset, a line number. The position after a record is its Offset+1; the position
// after a chunk is Chunk.End, which may be further on where the log has holes.
package source

import (
	"context"
	"io"
	"log/slog"
	"math"
)

// NoTimestamp is the Timestamp of a record whose log keeps no time of its own.
const NoTimestamp int64 = math.MinInt64

// Unbounded is the Stop of a split that never ends.
const Unbounded int64 = math.MaxInt64

// ToEnd is the Stop of a split that ends where reading finds its end, which is not known before: a file. Fetch returns EOF there.
const ToEnd int64 = Unbounded - 1

// EOF is what Fetch returns at the stop position; it is io.EOF.
var EOF = io.EOF

// Source describes where records of type T come from. It holds no connection: Open makes one.
// Implementations are immutable and safe for concurrent use.
type Source[T any] interface {
	// Open connects. An error that waiting may mend is wrapped by Temporary, and the engine tries again with backoff.
	Open(ctx context.Context, env Env) (Session[T], error)
	// String names the source in plans and logs, deterministically and without credentials: "kafka topic=clicks".
	String() string
}

// Env is what the engine tells a source.
type Env struct {
	Job, Operator string       // the job's name and the source operator's uid
	Logger        *slog.Logger // never nil when the engine opens the source
	// Reuse allows a Reader to use one value for all its records: the engine is done with each before it asks for the next.
	Reuse bool
}

// Session is an open source. Its methods may be called from several goroutines.
type Session[T any] interface {
	// Splits lists the splits there are now, each with its start and stop position resolved, in a stable order.
	// The engine calls it at the start and, where the session is a Discoverer, again at its interval.
	Splits(ctx context.Context) ([]Split, error)
	// Reader opens a split at a position: Split.Start, or where a restored job left off.
	Reader(ctx context.Context, split Split, at int64) (Reader[T], error)
	// Close ends the session after all its readers were closed.
	Close() error
}

// Discoverer is a Session whose splits may grow in number while the job runs.
type Discoverer interface {
	// DiscoveryInterval is how often to call Splits again, in nanoseconds as a time.Duration; zero or less means never.
	DiscoveryInterval() (nanoseconds int64)
}

// Committer is a Session that wants to hear what has been checkpointed, for monitoring: a Kafka consumer group.
// Positions are the next to read, by split ID. An error is logged and counted, never fatal: offsets live in the state.
type Committer interface {
	Commit(ctx context.Context, positions map[string]int64) error
}

// Split is one ordered, replayable part of a source.
type Split struct {
	ID         string // stable across runs and unique in the source: "clicks/3", a file's path
	Topic      string // what the split belongs to, for messages: a topic, a folder
	Partition  int32  // its number there, from 0
	Partitions int32  // how many splits the topic has; a partition-local key must map to Partition under this count
	Start      int64  // where to begin without saved state
	Stop       int64  // where to end (exclusive), or Unbounded
	// Earliest is the position of the oldest record: where a split begins that a restored job does not know, since it came while the job was down.
	Earliest int64
	// Incarnation tells apart splits of the same ID where the log behind it can be deleted and made again; "" where it cannot be told. A restored job
	// refuses a split of another incarnation than it had read.
	Incarnation string
}

// Reader reads one split. Fetch and Close are called from one goroutine.
type Reader[T any] interface {
	// Fetch returns the next records, waiting until there are some, or a while, or until ctx is done. A chunk without records is
	// allowed and tells that the end was reached for now. At the stop position it returns EOF, with no chunk.
	// A chunk stays valid until the engine drops it: Fetch must not reuse its memory.
	Fetch(ctx context.Context) (Chunk[T], error)
	Close() error
}

// Chunk is a run of consecutive records, walked once by the task.
type Chunk[T any] interface {
	// Next fills r with the next record and reports whether there was one. Records at or past the split's stop are not delivered.
	Next(r *Record[T]) bool
	// End is the position after the whole chunk; it is at least the last record's Offset+1.
	End() int64
	// AtEnd reports whether, when the chunk was fetched, nothing followed it: what idleness and alignment go by.
	AtEnd() bool
}

// LogEnder is a Chunk that knows how far the log goes, so that the job can tell how much is left to read and how fast the log grows.
type LogEnder interface {
	// LogEnd is the position after the last record that could be read when the chunk was fetched, whether or not the split stops earlier; -1 where
	// that is not known. It is at least End.
	LogEnd() int64
}

// Record is one record as the source hands it over. Next sets all its fields.
type Record[T any] struct {
	Value     T
	Timestamp int64 // milliseconds since the Unix epoch that the log itself gave the record, or NoTimestamp
	Offset    int64
	Size      int32 // bytes of the record's key and value as the log has them; 0 where that is not known
	// Err is set, to a *DecodeError, where the bytes could not be decoded; Value is then the zero value. What follows is the engine's choice, unless what the
	// decoder returned was marked by Temporary: then the record is read again after a restart.
	Err error
}

// Raw is an undecoded record: what a Decoder reads, and what a dead-letter sink receives. The slices belong to the source.
type Raw struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp int64 // milliseconds, or NoTimestamp
	Key       []byte
	Value     []byte
	Headers   []Header
	// Scratch is what a decoder may keep from one record of a Reader to the next; nil where there is no next. A decoder that hands a part of a record to
	// another hands it on.
	Scratch *Scratch
}

// Scratch belongs to one Reader, which makes it. It is used by one goroutine at a time.
type Scratch struct {
	Reuse bool // Env.Reuse: a value need be valid until the next record only
	Value any  // the decoder's; one that finds another's puts its own in its place
}

// Header is one record header.
type Header struct {
	Key   string
	Value []byte
}

// Decoder makes a T of a raw record. It may be used from several goroutines at once.
// What it returns may alias r's slices only where the decoder's documentation says so. An error that waiting may mend, of something that the decoder
// has to ask, is wrapped by Temporary, after the decoder has waited for a bounded time itself.
type Decoder[T any] interface {
	DecodeRecord(r *Raw) (T, error)
}
