package savepoint

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/runtime"
)

// Describe says what a stopped job's state holds, as the manifest of a savepoint of it would, but names no files. It reads the state once.
func Describe(from Scanner) (*Manifest, error) {
	saved, err := runtime.ReadSaved(from)
	if err != nil {
		return nil, err
	}
	m := newManifest(saved)
	var at section
	var bad error
	first := true
	err = from.Scan(nil, nil, func(key, value []byte) bool {
		next, ok := sectionOf(key)
		if !ok {
			bad = unknownForm(key)
			return false
		}
		bad = m.count(next, key, value, first || next != at)
		at, first = next, false
		return bad == nil
	})
	return m, errors.Join(bad, err)
}

// newManifest is the manifest without what is counted.
func newManifest(s *runtime.Saved) *Manifest {
	m := &Manifest{Format: Format, StateFormat: s.Format, Job: s.Job, MaxParallelism: s.MaxParallelism, Pending: s.Pending, Epochs: s.Epochs}
	for _, o := range s.Operators {
		operator := Operator{UID: o.UID, Number: o.Number, Shape: o.Shape}
		for i, name := range o.Cells {
			operator.Cells = append(operator.Cells, Cell{name, o.Codecs[i]})
		}
		m.Operators = append(m.Operators, operator)
	}
	for _, sp := range s.Splits {
		m.Splits = append(m.Splits, Split{sp.Operator, sp.ID, sp.Number, sp.Position, sp.Stop, sp.Watermark, sp.Finished})
	}
	return m
}

// count adds an entry; first says that it is the first of its section.
func (m *Manifest) count(at section, key, value []byte, first bool) error {
	if at.kind == "run" {
		return nil
	}
	for i := range m.Operators {
		o := &m.Operators[i]
		if o.Number != at.operator {
			continue
		}
		o.Bytes += int64(len(key) + len(value))
		switch {
		case at.kind == "state":
			o.Keys++
			if first {
				o.Shards++
			}
		case at.domain == keyed.EventTime:
			o.EventTimers++
		default:
			o.ProcessingTimers++
		}
		return nil
	}
	return fmt.Errorf("the state holds key %q of an operator with number %d, which it does not name", key, at.operator)
}

func unknownForm(key []byte) error {
	return fmt.Errorf("the state holds a key of unknown form, %q: another version of the program wrote it", key)
}
