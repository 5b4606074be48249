package keyed

import (
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/state"
)

// Slot is a form in which values of a cell are stored: entries name it by its number in the operator's list. A cell whose codec changes, or whose codec's fields
// do, gets a further one, so that each value tells what wrote it. The list only grows: what is dropped keeps its number, since entries may still name it.
type Slot struct {
	Name, Codec string
	Schemas     map[string][]byte // state.Schemas of the codec
	Dropped     bool              // passed over when it is read
}

func (a Slot) same(b Slot) bool {
	return a.Name == b.Name && a.Codec == b.Codec && a.Dropped == b.Dropped && maps.EqualFunc(a.Schemas, b.Schemas, slices.Equal)
}

// MergeSlots is the list of which both are versions: units of a job commit it at different times.
func MergeSlots(a, b []Slot) []Slot {
	merged := slices.Clone(a)
	for i, s := range b {
		if i < len(merged) {
			merged[i].Dropped = merged[i].Dropped || s.Dropped
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// Adopt compares the declared cells with the stored ones and returns the list that makes room for both, and what becomes of each cell. drop says of which stored cells
// values may be lost. Where a CellPlan has a Problem, the store cannot be bound. Neither the store nor stored is changed.
func (s *Store) Adopt(stored []Slot, drop func(name string) bool) (slots []Slot, plans []state.CellPlan) {
	slots = slices.Clone(stored)
	declared := map[string]bool{}
	for _, c := range s.cells {
		p := state.CellPlan{Name: c.name(), Fate: state.Kept, Is: c.codecID()}
		if declared[c.name()] {
			p.Fate, p.Problem = state.Changed, fmt.Sprintf("state %q is declared twice: give one of them another name", c.name())
		}
		declared[c.name()] = true
		adopt(slots, c, &p, drop)
		if want := slotOf(c); !slices.ContainsFunc(slots, want.same) {
			slots = append(slots, want)
		}
		plans = append(plans, p)
	}
	for i := range slots {
		if slots[i].Dropped || declared[slots[i].Name] {
			continue
		}
		if k := slices.IndexFunc(plans, func(p state.CellPlan) bool { return p.Name == slots[i].Name }); k >= 0 {
			plans[k].Was = append(plans[k].Was, slots[i].Codec)
		} else {
			p := state.CellPlan{Name: slots[i].Name, Fate: state.Dropped, Was: []string{slots[i].Codec}}
			if !drop(slots[i].Name) {
				p.Problem = fmt.Sprintf("state %q (%s) is not declared any more, and its values would be lost", slots[i].Name, slots[i].Codec)
			}
			plans = append(plans, p)
		}
		slots[i].Dropped = drop(slots[i].Name)
	}
	return slots, plans
}

func slotOf(c cell) Slot { return Slot{Name: c.name(), Codec: c.codecID(), Schemas: c.schemas()} }

// adopt finds out what becomes of one declared cell.
func adopt(slots []Slot, c cell, p *state.CellPlan, drop func(string) bool) {
	mine := slotOf(c)
	lost := false
	for i := range slots {
		old := &slots[i]
		if old.Name != c.name() || old.Dropped {
			continue
		}
		if !slices.Contains(p.Was, old.Codec) {
			p.Was = append(p.Was, old.Codec)
		}
		if old.same(mine) {
			continue
		}
		why := unreadable(c, *old, p)
		switch {
		case why == "":
			if old.Codec != mine.Codec {
				p.Fate = state.Migrated
			}
		case drop(c.name()):
			old.Dropped, lost = true, true
		case p.Problem == "":
			p.Fate, p.Problem = state.Changed, why
		}
	}
	switch {
	case p.Was == nil && p.Problem == "":
		p.Fate = state.New
	case lost && p.Problem == "":
		p.Fate = state.Dropped
	}
}

// unreadable says why what a slot holds cannot be read by the cell, "" if it can; p gets the fields that differ.
func unreadable(c cell, old Slot, p *state.CellPlan) string {
	if c.reader(old.Codec) == nil {
		return fmt.Sprintf("state %q was written as %s and the job reads %s: give the codec a migration from the old one (codec.Migrating)", old.Name, old.Codec, c.codecID())
	}
	changes, err := c.compare(old.Schemas)
	if err != nil {
		return fmt.Sprintf("state %q (%s): %v", old.Name, old.Codec, err)
	}
	why := ""
	for _, f := range changes {
		if f.Fate == state.FieldMisread && why == "" {
			why = fmt.Sprintf("state %q (%s): field %s: take a new number for it, or a codec with another ID and a migration", old.Name, old.Codec, f)
		}
		if !slices.Contains(p.Fields, f) {
			p.Fields = append(p.Fields, f)
		}
	}
	return why
}

// Bind says how entries are stored: slots is what Adopt returned. A store that is not bound stores its cells in the order in which they were declared.
func (s *Store) Bind(slots []Slot) error {
	s.slots, s.numbers = make([]reader, len(slots)), make([]int, len(s.cells))
	for i, c := range s.cells {
		s.numbers[i] = slices.IndexFunc(slots, slotOf(c).same)
		for n, slot := range slots {
			switch {
			case slot.Name != c.name() || slot.Dropped:
			case slot.Codec == c.codecID():
				s.slots[n].decode, s.slots[n].cell = c.decode, i
			default:
				s.slots[n].decode, s.slots[n].cell = c.reader(slot.Codec), i
			}
		}
		if s.numbers[i] < 0 {
			return fmt.Errorf("state %q has no place in the list of what is stored", c.name())
		}
	}
	for n, slot := range slots {
		s.slots[n].known = slot.Dropped || s.slots[n].decode != nil
		// Timers are in the cells that operators keep them in: without one there is nothing to fire.
		s.slots[n].timers = slot.Dropped && (slot.Name == "timers" || slot.Name == "windows")
	}
	return nil
}

// reader reads what is stored under a slot.
type reader struct {
	decode func(e *Entry, src []byte) error // nil where it was dropped
	cell   int                              // that decode fills
	known  bool
	timers bool // it held the entry's timers and was dropped
}

// slot is how a number in an entry is read.
func (s *Store) slot(number int) (reader, bool) {
	if s.slots == nil {
		if number >= len(s.cells) {
			return reader{}, false
		}
		return reader{decode: s.cells[number].decode, cell: number, known: true}, true
	}
	if number >= len(s.slots) || !s.slots[number].known {
		return reader{}, false
	}
	return s.slots[number], true
}

// Check reads a stored entry as the store would, and forgets it again.
func (s *Store) Check(key string, value []byte) error {
	e := newEntry(len(s.cells))
	e.begin([]byte(key))
	err := s.decode(e, value)
	for _, c := range s.cells {
		c.drop(e)
	}
	return err
}
