package runtime

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/millrace/millrace/state"
)

// maxSplits is the highest number of a split that is believed: tables are as long as the highest number in them.
const maxSplits = 1 << 22

// sound refuses entries that no job has written, so that what follows can count on them: a number is an index, a position one that a source knows. Its errors
// name the entry and wrap state.ErrCorrupt.
func (m *meta) sound() error {
	bad := func(kind, name, format string, args ...any) error {
		return fmt.Errorf("entry %q: %s: %w; restore a savepoint, or start a new group", metaPrefix+kind+"/"+name, fmt.Sprintf(format, args...), state.ErrCorrupt)
	}
	numbers := map[uint16]string{}
	for _, uid := range slices.Sorted(maps.Keys(m.operators)) {
		n := m.operators[uid].Number
		if other, twice := numbers[n]; twice {
			return bad("operator", uid, "it has the number %d, as %q has", n, other)
		}
		if numbers[n] = uid; n == math.MaxUint16 {
			return bad("operator", uid, "the number %d is none of an operator", n)
		}
	}
	taken := map[int32]string{}
	for _, name := range slices.Sorted(maps.Keys(m.splits)) {
		s := m.splits[name]
		other, twice := taken[s.Number]
		switch taken[s.Number] = name; {
		case twice:
			return bad("split", name, "it has the number %d, as %q has", s.Number, other)
		case s.Number < 0 || s.Number >= maxSplits:
			return bad("split", name, "the number %d is not between 0 and %d", s.Number, maxSplits-1)
		case s.Position < 0 || s.Partitions < 0:
			return bad("split", name, "the position %d or the number of partitions %d is negative", s.Position, s.Partitions)
		}
	}
	for unit, epoch := range m.epochs {
		if epoch < 0 || epoch == math.MaxInt64 {
			return bad("epoch", unit, "%d is not the number of a checkpoint", epoch)
		}
	}
	for name, c := range m.cells {
		if len(c.Names) != len(c.Codecs) {
			return bad("cells", name, "%d names for %d codecs", len(c.Names), len(c.Codecs))
		}
	}
	return nil
}
