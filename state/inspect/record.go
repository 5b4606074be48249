package inspect

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state"
)

// noWatermark is the watermark of what no record set.
const noWatermark = math.MinInt64

// Record says what an edit changed. It is kept in the state, through savepoints and restores.
type Record struct {
	At    time.Time `json:"at"`
	Note  string    `json:"note,omitempty"` // who, and why
	Steps []Step    `json:"steps"`
	// Changes are the keys that differed, with their state before and after.
	Changes []Change `json:"changes,omitempty"`
	// Shortened says that the edit was too large to be kept whole: there are no Changes then, and the first steps only, without values.
	Shortened bool `json:"shortened,omitempty"`
	Total     int  `json:"total"` // steps that the edit had
}

// A Record has at most so many bytes with its changes, else so many steps.
const (
	mostRecorded = 64 << 10
	mostSteps    = 500
)

// recordPrefix is what the stored keys of records begin with; a number of eight digits follows.
const recordPrefix = string(runtime.RunPrefix) + "edit/"

// Edits are the edits that the state has seen, the oldest first.
func (s *State) Edits() (all []Record, err error) {
	var bad error
	err = s.from.Scan([]byte(recordPrefix), []byte(recordPrefix+":"), func(key, value []byte) bool {
		var r Record
		if err := json.Unmarshal(value, &r); err != nil {
			bad = fmt.Errorf("entry %q: %w: %w", key, err, state.ErrCorrupt)
			return false
		}
		all = append(all, r)
		return true
	})
	if err == nil {
		err = bad
	}
	return all, err
}

// record adds the edit's Record to its batch.
func (e *Edit) record(b *state.Batch, note string, at time.Time) error {
	before, err := e.state.Edits()
	if err != nil {
		return err
	}
	r := Record{At: at.UTC(), Note: note, Steps: e.steps, Total: len(e.steps)}
	if r.Changes, err = e.Changes(); err != nil {
		return err
	}
	value, err := json.Marshal(r)
	if err == nil && len(value) > mostRecorded {
		r.Changes, r.Shortened = nil, true
		r.Steps = slices.Clone(e.steps[:min(len(e.steps), mostSteps)])
		for i := range r.Steps {
			r.Steps[i].Value = nil
		}
		value, err = json.Marshal(r)
	}
	if err != nil {
		return err
	}
	b.Set(fmt.Appendf(nil, "%s%08d", recordPrefix, len(before)+1), value)
	return nil
}
