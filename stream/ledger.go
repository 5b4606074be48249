package stream

import "github.com/millrace/millrace/internal/ledger"

// Ledger accounts for all records of a job: each that was read ends in one class, counted by split. It is part of every checkpoint, so it is exact after a
// restart, whatever ended the run before. A run that ends in order and does not balance returns ErrUnbalanced.
type Ledger = ledger.Ledger

// LedgerEntry is one split's part of a Ledger.
type LedgerEntry = ledger.Entry

// LedgerCounts is what became of records, by class.
type LedgerCounts = ledger.Counts

// ErrUnbalanced is returned by Run where the ledger does not balance when the run has ended: records are lost, or were used twice. It is wrong results, and so
// a fault of the engine.
var ErrUnbalanced = ledger.ErrUnbalanced
