package sinktest

import (
	"testing"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// Record is the row the kit writes. ID and Seq are its key.
type Record struct {
	ID     string
	Seq    int64
	Text   string
	Number int64
	Ratio  float64
	Flag   bool
}

// Columns describes a Record for sinks that store columns.
var Columns = table.Of(
	table.Key(table.Text("id", func(r Record) string { return r.ID })),
	table.Key(table.Int("seq", func(r Record) int64 { return r.Seq })),
	table.Text("text", func(r Record) string { return r.Text }),
	table.Int("number", func(r Record) int64 { return r.Number }),
	table.Float("ratio", func(r Record) float64 { return r.Ratio }),
	table.Bool("flag", func(r Record) bool { return r.Flag }),
)

// Same is the Value of a sink of Records.
func Same(r Record) Record { return r }

// Features is what the sink can do.
type Features struct {
	// Upserts: Traits.Upserts; the kit expects one row per key. Without it the sink must refuse a Delete, and keep the order of one Writer's rows.
	Upserts bool
	// Atomic: no reader ever sees a part of a batch.
	Atomic bool
	// Commits: the Writer is a sink.Committer, and rows appear exactly once.
	Commits bool
	// Transactions: the sink is a sink.Transactional, and rows appear exactly once, with their transactions. Readers may see a transaction a moment after its Commit.
	Transactions bool
	// Parallel: several Writers at a time; a sink without it has Traits.Single.
	Parallel bool
}

// Config describes a sink to the kit. All fields are required but Features.
type Config[T any] struct {
	// New makes an empty destination that no other test uses. It is called once per test.
	New func(t *testing.T) Target[T]
	// Value makes the sink's row of a Record.
	Value    func(Record) T
	Features Features
}

// Target is one destination.
type Target[T any] struct {
	// Sink makes a new sink value for the destination, as a restarted program would.
	Sink func() sink.Sink[T]
	// Rows reads back what a reader of the destination sees now, in order where the sink has one. It may be called while Writers are open, and from another goroutine than the test's.
	Rows func(t *testing.T) []Record
}

// Run tries everything that the features promise, as subtests.
func Run[T any](t *testing.T, c Config[T]) {
	t.Run("traits", func(t *testing.T) { traits(t, c) })
	t.Run("order", func(t *testing.T) { order(t, c) })
	t.Run("empty batch", func(t *testing.T) { emptyBatch(t, c) })
	t.Run("values", func(t *testing.T) { values(t, c) })
	t.Run("large batch", func(t *testing.T) { largeBatch(t, c) })
	t.Run("hostile values", func(t *testing.T) { hostile(t, c) })
	if !c.Features.Commits && !c.Features.Transactions {
		t.Run("reopen", func(t *testing.T) { reopen(t, c) })
	}
	if c.Features.Parallel {
		t.Run("several writers", func(t *testing.T) { severalWriters(t, c) })
	}
	if c.Features.Upserts {
		runUpserts(t, c)
	} else {
		t.Run("delete is refused", func(t *testing.T) { deleteRefused(t, c) })
	}
	if c.Features.Commits {
		runCommits(t, c)
	}
	if c.Features.Transactions {
		runTransactions(t, c)
	}
}
