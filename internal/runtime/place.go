package runtime

// Of is a split by its number, nil where there is none.
func (s *Splits) Of(number int32) *Split {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < 0 || int(number) >= len(s.all) {
		return nil
	}
	return s.all[number]
}

// Mover is the split, and the offset of the record in it, that the task's event time last moved by: the record at hand, or behind an exchange the split of the task
// that sent the last batch, with offset -1. The split is flow.NoSplit where neither is known.
func (t *Task) Mover() (split int32, offset int64) {
	if t.Here != nil {
		return t.Here.Split, t.Here.Offset
	}
	return t.moved, -1
}

// Position is the next offset to read.
func (p *Split) Position() int64 { return p.position.Load() }
