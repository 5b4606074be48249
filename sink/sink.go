// Package sink is the contract between the engine and whatever takes its results: a table, a topic, a file.
//
// The engine collects rows and hands them over in batches, from one goroutine per Writer; each task of a sink operator has its own Writer.
// What the job promises across a crash follows from what the Writer can do:
//   - an upsert Writer is written to before the checkpoint that covers its rows completes; rows after the checkpoint are written again after a
//     crash, with the same keys and values, so the table converges (Upserts in Traits);
//   - a Writer that is also a Committer makes rows visible only when their checkpoint has completed (whole files);
//   - a Writer of a Transactional sink writes within transactions that the engine commits together with its checkpoints;
//   - any other Writer may see rows again after a crash: at least once.
package sink

import (
	"context"
	"log/slog"
)

// Sink describes where rows of type T go. It holds no connection: Open makes one.
// Implementations are immutable and safe for concurrent use.
type Sink[T any] interface {
	// Open connects one task's Writer. An error that waiting may mend is wrapped by Temporary, and the engine tries again with backoff.
	Open(ctx context.Context, env Env) (Writer[T], error)
	// Traits says what the sink can do; it must not depend on anything outside the value.
	Traits() Traits
	// String names the sink in plans and logs, deterministically and without credentials: "postgres table=sessions_v1".
	String() string
}

// Traits is what the engine must know of a sink before it starts.
type Traits struct {
	// Upserts says that rows have a key, a later row replaces an earlier one of its key, and Delete removes it.
	// A sink without it never receives a Delete: superseded results stay, and the job warns of that when its windows allow lateness.
	Upserts bool
	// Single says that one Writer must receive everything (one file): the engine brings all tasks' rows to one.
	Single bool
	// BatchRows is how many rows one Write should carry; 0 means 500.
	BatchRows int
}

// Env is what the engine tells a sink's Writer.
type Env struct {
	Job, Operator string
	Subtask       int          // from 0, stable across restarts
	Subtasks      int          // how many Writers the sink has in this run; 0 where that is not known
	Restored      bool         // the job starts from a checkpoint, so a Committer's Recover follows
	Logger        *slog.Logger // never nil when the engine opens the sink
}

// Writer takes one task's rows. Its methods are called from one goroutine at a time.
type Writer[T any] interface {
	// Write takes a batch in order. When it returns nil the batch is the sink's: durable, or covered by the next Prepare. A batch is
	// atomic where the sink has transactions, and then a Delete is seen together with the rows that replace it: the engine never splits them.
	// Within a batch the last row of a key wins. An error marked by Temporary is tried again with the same batch. rows is reused afterwards.
	Write(ctx context.Context, rows []Row[T]) error
	// Close gives back what Open took. Rows written since the last Prepare of a Committer are dropped.
	Close() error
}

// Committer is a Writer whose rows become visible only when the checkpoint that covers them has completed.
type Committer interface {
	// Prepare makes everything written so far durable but invisible, and returns what Commit needs to show it; nil when there is nothing.
	// checkpoint numbers grow within a run. last says that no rows follow: the job ends.
	Prepare(ctx context.Context, checkpoint int64, last bool) (pending []byte, err error)
	// Commit shows what Prepare prepared. It is called after the checkpoint completed, and again after a restart if the job may have
	// crashed in between, so doing it twice must be the same as doing it once.
	Commit(ctx context.Context, pending []byte) error
	// Recover is called once after Open of a restarted job and before Write, with the pendings of the last completed checkpoint (already
	// committed by then): whatever else an earlier run prepared or wrote is to be discarded.
	Recover(ctx context.Context, committed [][]byte) error
}

// Op is what a row asks for.
type Op uint8

const (
	Upsert Op = iota // insert, or replace the row of the same key
	Delete           // remove the row of the same key: a later result superseded it
)

// Row is one result.
type Row[T any] struct {
	Value     T
	Op        Op
	Timestamp int64 // event time in milliseconds
}
