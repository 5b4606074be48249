package runtime

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
)

// fitted is how a job goes on from a state: what has to be noted first, and what its operators are called there.
type fitted struct {
	changes state.Batch
	numbers map[string]uint16
	fresh   map[uint16]bool // without state
	drops   bool            // operators' state goes
}

// fit checks the job against its saved state and numbers its operators.
func (m *meta) fit(cfg *Config) (*fitted, error) {
	windowed := *cfg // functions declare their cells when they are opened, and are checked then
	windowed.Shapes = nil
	for _, s := range cfg.Shapes {
		if !strings.Contains(s.Definition, holdsMark) {
			s.Declare = nil
		}
		windowed.Shapes = append(windowed.Shapes, s)
	}
	p, slots, err := m.plan(&windowed)
	if err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	f := &fitted{numbers: map[string]uint16{}, fresh: map[uint16]bool{}}
	next := m.nextNumber()
	if m.job == nil || m.job.Format != formatVersion {
		m.job = &jobMeta{formatVersion, cfg.Job, cfg.MaxParallelism}
		set(&f.changes, "job", "", m.job)
	}
	for _, op := range p.Operators {
		if op.Fate == state.Dropped {
			f.drops = true
			m.drop(&f.changes, op.UID)
		}
	}
	for _, s := range cfg.Shapes {
		o, known := m.operators[s.UID]
		switch {
		case !known:
			o = operatorMeta{next, s.Definition}
			next++
			f.fresh[o.Number] = true
			set(&f.changes, "operator", s.UID, o)
			m.operators[s.UID] = o
		case o.Shape != s.Definition: // its windows hold what another codec writes: both are noted at once
			o.Shape = s.Definition
			set(&f.changes, "operator", s.UID, o)
			set(&f.changes, "cells", s.UID+"/", cellsOf(slots[s.UID]))
			m.cells[s.UID+"/"] = cellsOf(slots[s.UID])
			m.operators[s.UID] = o
		}
		f.numbers[s.UID] = o.Number
	}
	return f, nil
}

// nextNumber is above all that keys may be stored under.
func (m *meta) nextNumber() (next uint16) {
	for _, o := range m.operators {
		next = max(next, o.Number+1)
	}
	for number := range m.dropped {
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			next = max(next, uint16(n)+1)
		}
	}
	return next
}

// drop takes an operator out of the state. Its keys, which may be many, follow by sweep: until then its number is taken.
func (m *meta) drop(b *state.Batch, uid string) {
	forget := func(kind string, names []string, remove func(string)) {
		for _, name := range names {
			if m.owner(name) == uid {
				b.Delete(metaKey(kind, name))
				remove(name)
			}
		}
	}
	forget("split", names(m.splits), func(n string) { delete(m.splits, n) })
	forget("sink", names(m.sinks), func(n string) { delete(m.sinks, n) })
	forget("cells", names(m.cells), func(n string) { delete(m.cells, n) })
	forget("watermark", names(m.watermarks), func(n string) { delete(m.watermarks, n) })
	o := m.operators[uid]
	delete(m.operators, uid)
	b.Delete(metaKey("operator", uid))
	number := strconv.Itoa(int(o.Number))
	m.dropped[number] = droppedMeta{uid, o.Shape}
	set(b, "dropped", number, m.dropped[number])
}

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

const sweepBytes = 8 << 20 // of keys that one commit of sweep removes

// sweep removes the keys of dropped operators, piece by piece: one that is cut short goes on at the next start.
func (m *meta) sweep(s state.Store) error {
	for number := range m.dropped {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			continue
		}
		for _, within := range [][2][]byte{
			{keyed.EntriesOf(uint16(n)), keyed.EntriesAfter(uint16(n))},
			{keyed.TimersOf(uint16(n)), keyed.TimersAfter(uint16(n))},
		} {
			for more := true; more; {
				more = false
				var b state.Batch
				err := s.Scan(within[0], within[1], func(k, _ []byte) bool {
					b.Delete(k)
					more = b.Bytes() >= sweepBytes
					return !more
				})
				if err != nil {
					return err
				}
				if b.Len() > 0 {
					if err := s.Commit(&b); err != nil {
						return err
					}
				}
			}
		}
		var b state.Batch
		b.Delete(metaKey("dropped", number))
		if err := s.Commit(&b); err != nil {
			return err
		}
		delete(m.dropped, number)
	}
	return nil
}
