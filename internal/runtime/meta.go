package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/state"
)

var (
	// ErrShape is returned when saved state was written by a job of another shape: other windows, gaps, bounds, keys or operators.
	ErrShape = errors.New("the job does not fit its saved state")
	// ErrFinished is returned when a job that ran to the end of its input, and closed its windows, finds more input.
	ErrFinished = errors.New("the job was finished: its windows are closed, so it cannot go on with new input; start a new group, or end the run before with no-drain")
)

// The run's own entries in the state. Values are JSON: they are few, and people read them.
//
//	'm' "job"                    -> jobMeta
//	'm' "operator/" uid          -> operatorMeta
//	'm' "epoch/" unit            -> the number of the unit's last checkpoint
//	'm' "split/" operator "/" id -> splitMeta
//	'm' "watermark/" operator "/" subtask -> the watermark of a generator in the middle of a source's chain
//	'm' "cells/" operator "/" unit -> cellsMeta
//	'm' "sink/" operator "/" subtask -> sinkMeta
//	'm' "transaction/" unit -> transactionMeta
//	'm' "pending/" unit "/" part -> a part of the unit's pending checkpoint: suspend.go
const metaPrefix = string(RunPrefix)

const formatVersion = 1

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

type sinkMeta struct{ Pending [][]byte }

// meta is what the state says about the job.
type meta struct {
	job       *jobMeta
	operators map[string]operatorMeta
	epochs    map[string]int64
	splits    map[string]splitMeta
	sinks     map[string]sinkMeta
	cells     map[string]cellsMeta
	// transactions are the units'
	transactions map[string]transactionMeta
	// watermarks of generators that are not the source's own
	watermarks map[string]int64
}

func readMeta(s Scanner) (*meta, error) {
	m := &meta{operators: map[string]operatorMeta{}, epochs: map[string]int64{}, splits: map[string]splitMeta{}, sinks: map[string]sinkMeta{}, watermarks: map[string]int64{}, cells: map[string]cellsMeta{}, transactions: map[string]transactionMeta{}}
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
		case "watermark":
			bad = parse(m.watermarks, name, v)
		case "cells":
			bad = parse(m.cells, name, v)
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
	key := metaPrefix + kind
	if name != "" {
		key += "/" + name
	}
	b.Set([]byte(key), j)
}

func setEpoch(b *state.Batch, unit string, epoch int64) { set(b, "epoch", unit, epoch) }

// Shape is an operator's uid and the definition that its state depends on.
type Shape struct{ UID, Definition string }

// fit checks the job against its saved state and numbers its operators.
func (m *meta) fit(job string, maxParallelism int, shapes []Shape) (changes state.Batch, numbers map[string]uint16, err error) {
	var problems []string
	if m.job == nil {
		m.job = &jobMeta{formatVersion, job, maxParallelism}
		set(&changes, "job", "", m.job)
	}
	switch {
	case m.job.Format != formatVersion:
		problems = append(problems, fmt.Sprintf("the state is of format %d, this program reads %d", m.job.Format, formatVersion))
	case m.job.Job != job:
		problems = append(problems, fmt.Sprintf("the state belongs to job %q, this is %q", m.job.Job, job))
	case m.job.MaxParallelism != maxParallelism:
		problems = append(problems, fmt.Sprintf("max parallelism: the state says %d, the job %d", m.job.MaxParallelism, maxParallelism))
	}
	numbers = map[string]uint16{}
	var next uint16
	for _, o := range m.operators {
		next = max(next, o.Number+1)
	}
	for _, s := range shapes {
		o, known := m.operators[s.UID]
		switch {
		case !known:
			o = operatorMeta{next, s.Definition}
			next++
			set(&changes, "operator", s.UID, o)
			if len(m.splits) > 0 {
				problems = append(problems, fmt.Sprintf("operator %q (%s) has no state", s.UID, s.Definition))
			}
		case o.Shape != s.Definition:
			problems = append(problems, fmt.Sprintf("operator %q: the state was written by %q, the job says %q", s.UID, o.Shape, s.Definition))
		}
		numbers[s.UID] = o.Number
	}
	for _, uid := range slices.Sorted(maps.Keys(m.operators)) {
		if _, used := numbers[uid]; !used {
			problems = append(problems, fmt.Sprintf("the state has an operator %q (%s) that the job lacks", uid, m.operators[uid].Shape))
		}
	}
	if problems != nil {
		return changes, nil, fmt.Errorf("%w: %s; a changed definition is a new group and a replay", ErrShape, strings.Join(problems, "; "))
	}
	return changes, numbers, nil
}
