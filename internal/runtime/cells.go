package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
)

// cellsMeta is an operator's list of slots as it is stored: by slot, but for Dropped, which has numbers.
type cellsMeta struct {
	Names, Codecs []string
	Dropped       []int               `json:",omitempty"`
	Schemas       []map[string][]byte `json:",omitempty"`
}

func cellsOf(slots []keyed.Slot) (m cellsMeta) {
	described := slices.ContainsFunc(slots, func(s keyed.Slot) bool { return len(s.Schemas) > 0 })
	for i, s := range slots {
		m.Names, m.Codecs = append(m.Names, s.Name), append(m.Codecs, s.Codec)
		if s.Dropped {
			m.Dropped = append(m.Dropped, i)
		}
		if described {
			m.Schemas = append(m.Schemas, s.Schemas)
		}
	}
	return m
}

func (m cellsMeta) slots() []keyed.Slot {
	slots := make([]keyed.Slot, min(len(m.Names), len(m.Codecs)))
	for i := range slots {
		slots[i] = keyed.Slot{Name: m.Names[i], Codec: m.Codecs[i], Dropped: slices.Contains(m.Dropped, i)}
		if i < len(m.Schemas) {
			slots[i].Schemas = m.Schemas[i]
		}
	}
	return slots
}

// slots is the list of an operator that the state knows: what its units say, or what its definition says where no unit does, as in state of format 1.
func (m *meta) slots(uid string) (slots []keyed.Slot) {
	for _, name := range slices.Sorted(maps.Keys(m.cells)) {
		if m.owner(name) == uid {
			slots = keyed.MergeSlots(slots, m.cells[name].slots())
		}
	}
	if _, holds, windowed := strings.Cut(m.operators[uid].Shape, holdsMark); windowed && slots == nil {
		slots = []keyed.Slot{{Name: windowsCell, Codec: windowsCodec(holds)}}
	}
	return slots
}

// A window operator has one cell, whose contents are the end of its definition.
const (
	holdsMark   = "; holds "
	windowsCell = "windows"
)

func windowsCodec(contents string) string { return "windows/1<" + contents + ">" }

// BindCells makes the list of a store's cells part of the checkpoints, takes over what was stored under other codecs, and refuses what cannot be. Cells are
// declared by what was registered to open before.
func (t *Task) BindCells(operator string, s *keyed.Store) {
	var list []byte
	t.OnOpen(func(context.Context) error {
		slots, err := t.run.adopt(operator, s)
		if err != nil {
			return err
		}
		if list, err = json.Marshal(cellsOf(slots)); err != nil {
			return err
		}
		return s.Bind(slots)
	})
	key := []byte(metaPrefix + "cells/" + operator + "/" + t.unit.name)
	t.OnSnapshot(func(c *Snapshot) error {
		c.Batch.Set(key, list)
		return nil
	})
}

// adopt is the operator's list with the cells of s in it: the same for all its tasks, which declare the same.
func (r *Run) adopt(operator string, s *keyed.Store) ([]keyed.Slot, error) {
	r.slotsMu.Lock()
	defer r.slotsMu.Unlock()
	stored, known := r.slots[operator]
	if !known && !r.fresh[r.numbers[operator]] {
		stored = r.meta.slots(operator)
	}
	slots, plans := s.Adopt(stored, r.cfg.Allow.cells(operator))
	for _, p := range plans {
		if p.Problem != "" {
			return nil, fmt.Errorf("%w: operator %q: %s%s", ErrShape, operator, p.Problem, remedy(p.Fate, operator, p.Name))
		}
	}
	r.slots[operator] = slots
	return slots, nil
}

// remedy is how state may be dropped.
func remedy(f state.Fate, operator, cell string) string {
	if f != state.Dropped && f != state.Changed {
		return ""
	}
	return fmt.Sprintf("; or drop its values by stream.DropState(%q, %q)", operator, cell)
}
