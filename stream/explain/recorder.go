package explain

import (
	"sync"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
)

// Config is what a Recorder has to know of a job that reads T and writes O. Its functions are called from several goroutines.
type Config[T, E, O any] struct {
	// Key is the key's bytes; of a string, the string.
	Key string
	// KeyOf is the key of a record as it comes from the source.
	KeyOf func(T) string
	// Note is what to keep of a record of the key. It may not share memory with the record.
	Note func(T) E
	// RowKey is the key of a row of the Recorder's sink.
	RowKey func(O) string
	// Window is what a window is called in words, "session"; "window" if empty.
	Window string
	// Partitioner, where the key decides the partition and the job keys by partition, says which one alone is to be read; nil reads all.
	Partitioner *stream.Partitioner
}

// Recorder collects what happens to a key in one run of a job. It is safe for concurrent use; Life is to be called after the run.
type Recorder[T, E, O any] struct {
	cfg    Config[T, E, O]
	mu     sync.Mutex
	notes  []note[E]
	events []stream.TraceEvent
	rows   []sink.Row[O]
}

// note is a record of the key as it left the source.
type note[E any] struct {
	split  string
	offset int64
	logged int64 // the log's own timestamp, source.NoTimestamp without
	value  E
	err    string // why it could not be decoded
}

// New makes a Recorder for one run.
func New[T, E, O any](cfg Config[T, E, O]) *Recorder[T, E, O] {
	if cfg.Window == "" {
		cfg.Window = "window"
	}
	return &Recorder[T, E, O]{cfg: cfg}
}

// Option has the job tell the Recorder of its decisions.
func (r *Recorder[T, E, O]) Option() stream.JobOption {
	return stream.Trace([]string{r.cfg.Key}, func(e stream.TraceEvent) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	})
}
