package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/ledger"
)

// Saved is what the run's own entries in a state say, for those who look at it without the job.
type Saved struct {
	Format         int
	Job            string
	MaxParallelism int
	Operators      []SavedOperator // by number
	Splits         []SavedSplit    // by operator and id
	Epochs         map[string]int64
	// Pending is how many prepared parts of sinks wait to be shown, by the sink's operator; without those that have none.
	Pending map[string]int
}

// SavedOperator is an operator that the state knows. Cells and Codecs go together, by the numbers that entries name them by, so that a cell is there once for
// each codec that wrote it; they are empty where it has no keyed state.
type SavedOperator struct {
	Number        uint16
	UID, Shape    string
	Cells, Codecs []string
}

// SavedSplit is how far a split was read. Position is the next to read; Watermark is in milliseconds.
type SavedSplit struct {
	Operator, ID              string
	Number                    int32
	Position, Stop, Watermark int64
	Finished                  bool
	// Ledger is what became of its records; zero where the state was written before there was one.
	Ledger ledger.Counts
}

// Scanner is what a state.Store is to those who only read.
type Scanner interface {
	Scan(from, to []byte, visit func(key, value []byte) bool) error
}

// ErrNoJob is returned where a store holds no job's state.
var ErrNoJob = errors.New("no job has kept its state here")

// ReadSaved reads the run's entries of a store.
func ReadSaved(s Scanner) (*Saved, error) {
	m, err := readMeta(s)
	if err != nil {
		return nil, err
	}
	if m.job == nil {
		return nil, ErrNoJob
	}
	if err := m.job.readable(); err != nil {
		return nil, err
	}
	v := &Saved{Format: m.job.Format, Job: m.job.Job, MaxParallelism: m.job.MaxParallelism, Epochs: m.epochs}
	for uid, o := range m.operators {
		saved := SavedOperator{Number: o.Number, UID: uid, Shape: o.Shape}
		for _, slot := range m.slots(uid) {
			codec := slot.Codec
			if contents, ok := strings.CutPrefix(codec, windowsCodec("")[:len(windowsCodec(""))-1]); ok && strings.Contains(o.Shape, holdsMark) {
				codec = windowsCodec(windowContents(o.Shape, strings.TrimSuffix(contents, ">")))
			}
			name := slot.Name
			if slot.Dropped {
				name += " (dropped)"
			}
			saved.Cells, saved.Codecs = append(saved.Cells, name), append(saved.Codecs, codec)
		}
		v.Operators = append(v.Operators, saved)
	}
	for number, d := range m.dropped {
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			v.Operators = append(v.Operators, SavedOperator{Number: uint16(n), UID: "dropped/" + number, Shape: fmt.Sprintf("%q, whose keys are being removed", d.UID)})
		}
	}
	slices.SortFunc(v.Operators, func(a, b SavedOperator) int { return cmp.Compare(a.Number, b.Number) })
	for _, name := range slices.Sorted(maps.Keys(m.splits)) {
		sp := m.splits[name]
		operator := m.owner(name)
		id := strings.TrimPrefix(strings.TrimPrefix(name, operator), "/")
		v.Splits = append(v.Splits, SavedSplit{operator, id, sp.Number, sp.Position, sp.Stop, sp.Watermark, sp.Finished, m.ledger[name]})
	}
	for name, s := range m.sinks {
		if len(s.Pending) > 0 {
			if v.Pending == nil {
				v.Pending = map[string]int{}
			}
			v.Pending[m.owner(name)] += len(s.Pending)
		}
	}
	return v, nil
}

// readable reports whether this program knows the state's format.
func (j *jobMeta) readable() error {
	if j.Format < oldestFormat || j.Format > formatVersion {
		return fmt.Errorf("the state is of format %d, this program reads %d to %d", j.Format, oldestFormat, formatVersion)
	}
	return nil
}

// windowContents is how a window holds its contents: records as a list, an accumulator behind a byte that says whether there is one.
func windowContents(shape, codec string) string {
	folds := strings.HasPrefix(shape, "aggregate;") || strings.HasPrefix(shape, "reduce;")
	if folds && !strings.HasPrefix(codec, "list<") {
		return "optional<" + codec + ">"
	}
	return codec
}

// owner is the operator in the name of one of the run's entries: the longest, as a uid may hold a slash.
func (m *meta) owner(name string) (uid string) {
	for known := range m.operators {
		if strings.HasPrefix(name, known+"/") && len(known) > len(uid) {
			uid = known
		}
	}
	return uid
}

// RunPrefix is the first byte of the run's own keys.
const RunPrefix = 'm'

// IsRunKey reports whether a stored key is one of the run's own.
func IsRunKey(key []byte) bool { return len(key) > 0 && key[0] == RunPrefix }
