package keyed

import (
	"fmt"

	"github.com/millrace/millrace/state"
)

// Cell is one named value per key: a window operator's windows, or one state of a user's function. It lives in the store's entries as a live Go value;
// the codec is only used when the entry goes to the backend or comes from there.
type Cell[V any] struct {
	store *Store
	index int
	label string
	codec state.Codec[V]
	slab  slab[V]
}

// NewCell declares a cell. All cells of a store are declared before its first record.
func NewCell[V any](s *Store, name string, codec state.Codec[V]) *Cell[V] {
	c := &Cell[V]{store: s, index: len(s.cells), label: name, codec: codec}
	s.cells = append(s.cells, c)
	return c
}

// Get is the live value of the entry, or nil. The pointer is valid until the entry leaves memory, which no call during one record makes it do.
// Whoever changes the value calls Store.Dirty.
func (c *Cell[V]) Get(e *Entry) *V {
	if ref := *e.ref(c.index); ref != 0 {
		return c.slab.at(ref)
	}
	return nil
}

// Ensure is Get that makes a zero value where there is none.
func (c *Cell[V]) Ensure(e *Entry) *V {
	ref := e.ref(c.index)
	if *ref == 0 {
		*ref = c.slab.alloc()
		e.filled++
	}
	return c.slab.at(*ref)
}

// Clear removes the value.
func (c *Cell[V]) Clear(e *Entry) {
	if ref := e.ref(c.index); *ref != 0 {
		c.slab.release(*ref)
		*ref = 0
		e.filled--
	}
}

// cell is what the store needs of a Cell, whatever its type.
type cell interface {
	name() string
	codecID() string
	coder() any
	encode(dst []byte, e *Entry) ([]byte, error)
	decode(e *Entry, src []byte) error
	// reader is decode of what was written under another codec's ID, nil where that cannot be read.
	reader(id string) func(e *Entry, src []byte) error
	schemas() map[string][]byte
	compare(written map[string][]byte) ([]state.FieldChange, error)
	drop(e *Entry)
}

func (c *Cell[V]) name() string    { return c.label }
func (c *Cell[V]) codecID() string { return c.codec.ID() }
func (c *Cell[V]) coder() any      { return c.codec }
func (c *Cell[V]) drop(e *Entry)   { c.Clear(e) }

func (c *Cell[V]) encode(dst []byte, e *Entry) ([]byte, error) {
	dst, err := c.codec.Append(dst, *c.Get(e))
	if err != nil {
		return dst, fmt.Errorf("state %q of key %q: encode: %w", c.label, e.Key, err)
	}
	return dst, nil
}

func (c *Cell[V]) decode(e *Entry, src []byte) error {
	v, err := c.codec.Decode(src)
	return c.take(e, v, err, c.codec.ID(), len(src))
}

// take puts in what was read.
func (c *Cell[V]) take(e *Entry, v V, err error, id string, n int) error {
	if err != nil {
		return fmt.Errorf("state %q of key %q: decode %d bytes as %s: %w", c.label, e.Key, n, id, err)
	}
	*c.Ensure(e) = v
	return nil
}

func (c *Cell[V]) reader(id string) func(e *Entry, src []byte) error {
	read := state.ReaderOf(c.codec, id)
	if read == nil {
		return nil
	}
	return func(e *Entry, src []byte) error {
		v, err := read(src)
		return c.take(e, v, err, id, len(src))
	}
}

func (c *Cell[V]) schemas() map[string][]byte { return state.Schemas(c.codec) }

func (c *Cell[V]) compare(written map[string][]byte) ([]state.FieldChange, error) {
	return state.CompareSchemas(c.codec, written)
}
