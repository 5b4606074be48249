package keyed

import "slices"

// Peek is the stored form of a key's entry as it is now, committed or not, without a trace of the look: nothing is brought into memory, kept there or marked. It is called
// by the store's task, between records. The value is the caller's.
func (s *Store) Peek(key []byte) (value []byte, found bool, err error) {
	e := s.table.find(key)
	switch {
	case e == nil && s.absent:
		return nil, false, nil
	case e == nil: // invariant 1: what is not in the table is in the backend as it is
		return s.PeekStored(key)
	case e.filled == 0:
		return nil, false, nil
	}
	value, err = s.encode(nil, e)
	return value, err == nil, err
}

// PeekStored is Peek of what is committed, which is all there is when the task has ended. It is safe for concurrent use.
func (s *Store) PeekStored(key []byte) (value []byte, found bool, err error) {
	value, found, err = s.cfg.Backend.Get(EntryKey(s.cfg.Operator, s.cfg.ShardOf(key), string(key)), nil)
	return slices.Clone(value), found, err
}

// ShardOf is the shard that a key is kept in.
func (s *Store) ShardOf(key []byte) uint16 { return s.cfg.ShardOf(key) }

// Declared is a cell as it was declared. Codec is the state.Codec that NewCell was given.
type Declared struct {
	Name  string
	Codec any
}

// Declared lists the cells. It is safe for concurrent use after the last was declared.
func (s *Store) Declared() (all []Declared) {
	for _, c := range s.cells {
		all = append(all, Declared{c.name(), c.coder()})
	}
	return all
}
