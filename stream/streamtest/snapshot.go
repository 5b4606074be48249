package streamtest

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
)

// Snapshot is the state of what a Harness runs: keyed state, windows, timers, event time. It can be restored any number of times.
type Snapshot[T any] struct {
	entries []entry
	values  *byReference[T]
}

type entry struct{ key, value []byte }

// kept is a store that outlives the jobs that open it. It is a state.Backend for one directory.
type kept struct{ state.Store }

func newKept(entries []entry) (*kept, error) {
	store, err := memorystate.Backend().Open("", 0)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		var b state.Batch
		for _, e := range entries {
			b.Set(e.key, e.value)
		}
		if err := store.Commit(&b); err != nil {
			return nil, err
		}
	}
	return &kept{store}, nil
}

func (k *kept) entries() (all []entry, err error) {
	err = k.Scan(nil, nil, func(key, value []byte) bool {
		all = append(all, entry{append([]byte(nil), key...), append([]byte(nil), value...)})
		return true
	})
	return all, err
}

func (k *kept) Open(string, int64) (state.Store, error) { return k, nil }
func (k *kept) String() string                          { return "kept in memory" }

// Close leaves the store to the next job.
func (k *kept) Close() error { return nil }

// byReference is the codec of records in a harness, which may be of any type: it stores where the value is and keeps the value. It is safe for
// concurrent use.
type byReference[T any] struct {
	mu     sync.Mutex
	values []T
}

func (c *byReference[T]) ID() string { return "by reference" }

func (c *byReference[T]) Append(dst []byte, v T) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values = append(c.values, v)
	return binary.AppendUvarint(dst, uint64(len(c.values)-1)), nil
}

func (c *byReference[T]) Decode(src []byte) (v T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, n := binary.Uvarint(src)
	if n != len(src) || i >= uint64(len(c.values)) {
		return v, fmt.Errorf("a record of another harness: %w", state.ErrCorrupt)
	}
	return c.values[i], nil
}
