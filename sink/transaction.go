package sink

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// ErrFenced is wrapped by what a transaction returns when another instance of the job has taken over. Starting again would only fence that one, so the
// job ends.
var ErrFenced = errors.New("another instance of the job has taken over its transactions")

// Transactional is a Sink whose rows appear exactly once, together with the checkpoint that covers them, by transactions of the system it writes to. Its Writers
// are Joiners.
//
// Tasks that commit together, a commit unit, have one transaction for each checkpoint, whatever the number of their sinks and writers. To commit one the engine
//  1. makes the checkpoint durable, but as pending: not yet applied;
//  2. commits the transaction, and with it its marker;
//  3. applies the checkpoint, and notes the marker as the last that was applied.
//
// After a crash, or when step 2 did not answer, the marker that the system holds says on which side of step 2 the unit was: the pending one's, and the
// checkpoint is applied; the last applied one's, and it is dropped, as the system has dropped its rows.
type Transactional interface {
	// System names what a transaction spans: "kafka localhost:9092". All transactional sinks of a commit unit must have the same.
	System() string
	// Transactor makes what gives a commit unit its transactions. It may be called on any of the sinks that share a System; the engine calls it on the one whose
	// operator's name is the first. An error that waiting may mend is wrapped by Temporary, and the engine tries again.
	Transactor(ctx context.Context, env TransactorEnv) (Transactor, error)
}

// AsTransactional is s as a Transactional, or what it wraps: a Sink around another one says which by a method Unwrap() any.
func AsTransactional(s any) (t Transactional, ok bool) {
	for s != nil {
		if t, ok = s.(Transactional); ok {
			return t, true
		}
		w, wraps := s.(interface{ Unwrap() any })
		if !wraps {
			break
		}
		s = w.Unwrap()
	}
	return nil, false
}

// TransactorEnv is what the engine tells a Transactor.
type TransactorEnv struct {
	Job  string
	Unit string // names the commit unit within the job; stable across restarts
	// CheckpointEvery is the time between checkpoints: how long a transaction is open at least.
	CheckpointEvery time.Duration
	Logger          *slog.Logger // never nil
}

// Transactor gives a commit unit its transactions. Its methods are called from one goroutine at a time.
type Transactor interface {
	// Settle ends what any other instance of the unit left open: when it returns, nothing of theirs can be written or committed any more, and marker is that of the
	// transaction that the unit committed last; it is empty if the system knows of none. It is called before the first Begin. An error marked by
	// Temporary is tried again.
	Settle(ctx context.Context) (marker string, err error)
	// Begin makes a transaction. At most one other of the Transactor's is open then: the one before. An error marked by Temporary is tried again.
	Begin(ctx context.Context) (Transaction, error)
	// Close gives up what is open, so that it is never seen, and gives back the rest.
	Close() error
}

// Transaction is what a unit's writers write between two checkpoints.
type Transaction interface {
	// Marker is the transaction's name: no other has it, of this run or another.
	Marker() string
	// Empty reports whether nothing was written. It is called when all writers have left. An empty transaction is not committed but used again.
	Empty() bool
	// Commit shows what was written and sets the unit's marker, both or neither. It is called once. After an error it may be either: the run ends and
	// the next one settles. It wraps ErrFenced when another instance has taken over.
	Commit(ctx context.Context) error
}

// Joiner is the Writer of a Transactional sink.
type Joiner interface {
	// Join makes rows written from now on part of t, which a Transactor of the sink's System made. It is called after Open, and then between Writes.
	// What a Write that failed left in t cannot be taken out, so its error is not marked by Temporary unless nothing of the batch is there.
	Join(t Transaction) error
}
