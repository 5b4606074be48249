package inspect

import (
	"bytes"
	"slices"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/savepoint"
)

// overlay is a state as a batch would make it.
type overlay struct {
	under  savepoint.Scanner
	writes []write // by key, each once
}

type write struct {
	key, value []byte
	del        bool
}

func newOverlay(under savepoint.Scanner, b *state.Batch) (*overlay, error) {
	o := &overlay{under: under}
	err := b.Each(func(key, value []byte, del bool) error {
		i, found := o.at(key)
		if !found {
			o.writes = slices.Insert(o.writes, i, write{})
		}
		o.writes[i] = write{key, value, del}
		return nil
	})
	return o, err
}

func (o *overlay) at(key []byte) (int, bool) {
	return slices.BinarySearchFunc(o.writes, key, func(w write, key []byte) int { return bytes.Compare(w.key, key) })
}

// Scan is that of a state.Store.
func (o *overlay) Scan(from, to []byte, visit func(key, value []byte) bool) error {
	next, _ := o.at(from)
	end := len(o.writes)
	if to != nil {
		end, _ = o.at(to)
	}
	going := true
	// before visits the writes below a key, and reports whether one is of the key itself.
	before := func(key []byte) (hides bool) {
		for ; going && next < end; next++ {
			w := &o.writes[next]
			order := -1
			if key != nil {
				order = bytes.Compare(w.key, key)
			}
			if order > 0 {
				return hides
			}
			hides = order == 0
			if going = w.del || visit(w.key, w.value); hides {
				next++
				return true
			}
		}
		return false
	}
	err := o.under.Scan(from, to, func(key, value []byte) bool {
		if hidden := before(key); going && !hidden {
			going = visit(key, value)
		}
		return going
	})
	if err == nil && going {
		before(nil)
	}
	return err
}
