package inspect

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
)

// Change is a key whose state differs between two states. Before is nil for a key that came, After for one that went.
type Change struct {
	Operator string `json:"operator"`
	Key      string `json:"key"`
	Before   *Entry `json:"before,omitempty"`
	After    *Entry `json:"after,omitempty"`
}

// Diff walks over the keys of all operators that differ between two states of a job, by operator's uid, shard and key. Operators go by their uids; one that is in one state
// only has all its keys as changes. Both are read once, in step. A key in another shard is another key: compare states with the same way of keying and max parallelism.
func Diff(before, after *State) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		uids := map[string]bool{}
		for _, uid := range append(before.Operators(), after.Operators()...) {
			uids[uid] = true
		}
		for _, uid := range slices.Sorted(maps.Keys(uids)) {
			if !diffOperator(uid, before, after, yield) {
				return
			}
		}
	}
}

// cursor is at one entry of a walk; entry is nil after the last.
type cursor struct {
	next  func() (Entry, error, bool)
	entry *Entry
	err   error
}

func (c *cursor) advance() {
	e, err, ok := c.next()
	if c.entry, c.err = &e, err; !ok {
		c.entry = nil
	}
}

func diffOperator(uid string, before, after *State, yield func(Change, error) bool) bool {
	var sides [2]cursor
	for i, s := range []*State{before, after} {
		sides[i].next = func() (Entry, error, bool) { return Entry{}, nil, false }
		if slices.Contains(s.Operators(), uid) {
			next, stop := iter.Pull2(s.Entries(uid))
			defer stop()
			sides[i].next = next
		}
		sides[i].advance()
	}
	a, b := &sides[0], &sides[1]
	for a.entry != nil || b.entry != nil {
		if err := errors.Join(a.err, b.err); err != nil {
			yield(Change{}, err)
			return false
		}
		var order int
		switch {
		case b.entry == nil:
			order = -1
		case a.entry == nil:
			order = 1
		default:
			order = cmp.Or(cmp.Compare(a.entry.Shard, b.entry.Shard), bytes.Compare(a.entry.raw, b.entry.raw))
		}
		change := Change{Operator: uid}
		if order <= 0 {
			change.Before, change.Key = a.entry, a.entry.Key
		}
		if order >= 0 {
			change.After, change.Key = b.entry, b.entry.Key
		}
		if order != 0 || !a.entry.same(b.entry) {
			if !yield(change, nil) {
				return false
			}
		}
		if order <= 0 {
			a.advance()
		}
		if order >= 0 {
			b.advance()
		}
	}
	return true
}

// same reports whether two entries of a key say the same. Where a key's timer is indexed may differ without that, so bytes that differ are looked into.
func (e *Entry) same(o *Entry) bool {
	if bytes.Equal(e.value, o.value) {
		return true
	}
	if e.Split != nil && o.Split != nil && *e.Split != *o.Split || (e.Split == nil) != (o.Split == nil) {
		return false
	}
	equal := func(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }
	return equal(e.EventTimer, o.EventTimer) && equal(e.ProcessingTimer, o.ProcessingTimer) &&
		maps.EqualFunc(e.State, o.State, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}
