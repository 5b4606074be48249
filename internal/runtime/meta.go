package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/state"
)

var (
	// ErrShape is returned when saved state was written by a job of another shape: other windows, gaps, bounds, keys, operators or values.
	ErrShape = state.ErrPlan
	// ErrFinished is returned when a job that ran to the end of its input, and closed its windows, finds more input.
	ErrFinished = errors.New("the job was finished: its windows are closed, so it cannot go on with new input; start a new group, or end the run before with no-drain")
)

// The run's own entries in the state. Values are JSON: they are few, and people read them.
//
//	'm' "job"                    -> jobMeta
//	'm' "operator/" uid          -> operatorMeta
//	'm' "epoch/" unit            -> the number of the unit's last checkpoint
//	'm' "split/" operator "/" id -> splitMeta
//	'm' "ledger/" operator "/" id -> ledger.Counts
//	'm' "watermark/" operator "/" subtask -> the watermark of a generator in the middle of a source's chain
//	'm' "cells/" operator "/" unit -> cellsMeta; the unit is "" where the list was made when a job began on the state of another
//	'm' "dropped/" number -> droppedMeta: an operator whose keys are being removed
//	'm' "sink/" operator "/" subtask -> sinkMeta
//	'm' "transaction/" unit -> transactionMeta
//	'm' "pending/" unit "/" part -> a part of the unit's pending checkpoint: suspend.go
const metaPrefix = string(RunPrefix)

// The form of the state. Format 1 has no lists of cells for window operators, and none says what fields its codecs had.
const (
	formatVersion = 2
	oldestFormat  = 1
)

type jobMeta struct {
	Format         int
	Job            string
	MaxParallelism int
}

type operatorMeta struct {
	Number uint16
	Shape  string
}

type splitMeta struct {
	Number     int32
	Position   int64
	Stop       int64
	Watermark  int64
	Partitions int32
	Finished   bool
	// Partial is Split.Partial, absent where the split was read from its beginning.
	Partial *int64 `json:",omitempty"`
	// Incarnation is the source's.
	Incarnation string `json:",omitempty"`
	// First is absent where an older program wrote the state.
	First *firstMeta `json:",omitempty"`
}

type droppedMeta struct{ UID, Shape string }

type sinkMeta struct{ Pending [][]byte }

// meta is what the state says about the job.
type meta struct {
	job       *jobMeta
	operators map[string]operatorMeta
	epochs    map[string]int64
	splits    map[string]splitMeta
	ledger    map[string]ledger.Counts
	sinks     map[string]sinkMeta
	cells     map[string]cellsMeta
	// transactions are the units'
	transactions map[string]transactionMeta
	dropped      map[string]droppedMeta
	// watermarks of generators that are not the source's own
	watermarks map[string]int64
}

func readMeta(s Scanner) (*meta, error) {
	m := &meta{
		operators: map[string]operatorMeta{}, epochs: map[string]int64{}, splits: map[string]splitMeta{}, ledger: map[string]ledger.Counts{}, sinks: map[string]sinkMeta{},
		watermarks: map[string]int64{}, cells: map[string]cellsMeta{}, dropped: map[string]droppedMeta{}, transactions: map[string]transactionMeta{},
	}
	var bad error
	err := s.Scan([]byte(metaPrefix), []byte("n"), func(k, v []byte) bool {
		kind, name, _ := strings.Cut(string(k[1:]), "/")
		switch kind {
		case "job":
			m.job = &jobMeta{}
			bad = json.Unmarshal(v, m.job)
		case "operator":
			bad = parse(m.operators, name, v)
		case "epoch":
			bad = parse(m.epochs, name, v)
		case "split":
			bad = parse(m.splits, name, v)
		case "ledger":
			bad = parse(m.ledger, name, v)
		case "watermark":
			bad = parse(m.watermarks, name, v)
		case "cells":
			bad = parse(m.cells, name, v)
		case "dropped":
			bad = parse(m.dropped, name, v)
		case "sink":
			bad = parse(m.sinks, name, v)
		case "transaction":
			bad = parse(m.transactions, name, v)
		}
		if bad != nil {
			bad = fmt.Errorf("entry %q: %w: %w", k, bad, state.ErrCorrupt)
		}
		return bad == nil
	})
	if err == nil {
		err = bad
	}
	if err == nil {
		err = m.sound()
	}
	return m, err
}

func parse[V any](into map[string]V, name string, b []byte) error {
	var v V
	err := json.Unmarshal(b, &v)
	into[name] = v
	return err
}

func set(b *state.Batch, kind, name string, v any) {
	j, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types above always marshal
	}
	b.Set(metaKey(kind, name), j)
}

func metaKey(kind, name string) []byte {
	if name == "" {
		return []byte(metaPrefix + kind)
	}
	return []byte(metaPrefix + kind + "/" + name)
}

func setEpoch(b *state.Batch, unit string, epoch int64) { set(b, "epoch", unit, epoch) }
