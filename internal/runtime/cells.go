package runtime

import (
	"context"
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/keyed"
)

type cellsMeta struct{ Names, Codecs []string }

// CheckCells makes the names and codecs of a store's cells part of the checkpoints, and refuses state that was written under others. Cells are declared
// by what was registered to open before.
func (t *Task) CheckCells(operator string, s *keyed.Store) {
	operatorInUnit := operator + "/" + t.unit.name
	t.OnOpen(func(context.Context) error {
		names, codecs := s.Cells()
		saved, ok := t.run.meta.cells[operatorInUnit]
		if ok && (!slices.Equal(saved.Names, names) || !slices.Equal(saved.Codecs, codecs)) {
			return fmt.Errorf("%w: operator %q declares state %v as %v, saved are %v as %v", ErrShape, operator, names, codecs, saved.Names, saved.Codecs)
		}
		return nil
	})
	t.OnSnapshot(func(c *Snapshot) error {
		names, codecs := s.Cells()
		set(c.Batch, "cells", operatorInUnit, cellsMeta{names, codecs})
		return nil
	})
}
