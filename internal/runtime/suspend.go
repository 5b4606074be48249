package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/millrace/millrace/state"
)

// transactionMeta is where a unit with transactions is. It always changes in one commit with what it speaks of.
type transactionMeta struct {
	Applied string // the marker of the transaction that the unit's state goes with; empty for none
	// Pending is the marker of a transaction that may or may not be committed; empty for none. Its checkpoint waits in Parts.
	Pending    string `json:",omitempty"`
	Checkpoint int64  `json:",omitempty"`
	Parts      int    `json:",omitempty"`
}

// pendingPart is about how many bytes of a pending checkpoint one value holds.
const pendingPart = 1 << 20

// A pending checkpoint is its batch as values, which are not JSON as the run's other entries are: for each write a byte, 1 for a deletion, the length of the key, the
// key, and for others than deletions the length of the value and the value; lengths are unsigned varints. A write is never divided between parts.
//
// Sorted tables beside the database would spare writing the bytes twice. But they would need a second mechanism in each backend, with files that crashes leave
// behind, while this holds for any state.Store, and is carried by savepoints and copies of the database as everything else is.
func pendingKey(unit string, part int) []byte {
	return fmt.Appendf(nil, "%spending/%s/%08d", metaPrefix, unit, part)
}

// suspend returns the batch that makes a batch durable without applying it, and counts its parts.
func (e *transactionMeta) suspend(unit string, batch *state.Batch) *state.Batch {
	pending := &state.Batch{}
	var part []byte
	end := func() {
		if len(part) > 0 {
			pending.Set(pendingKey(unit, e.Parts), part)
			e.Parts++
			part = part[:0]
		}
	}
	_ = batch.Each(func(key, value []byte, del bool) error { // the function returns no error
		if len(part) >= pendingPart {
			end()
		}
		if del {
			part = appendBytes(append(part, 1), key)
			return nil
		}
		part = appendBytes(appendBytes(append(part, 0), key), value)
		return nil
	})
	end()
	set(pending, "transaction", unit, e)
	return pending
}

// resume adds to a batch that was pending what makes it applied.
func (e transactionMeta) resume(unit string, batch *state.Batch) {
	for part := range e.Parts {
		batch.Delete(pendingKey(unit, part))
	}
	set(batch, "transaction", unit, transactionMeta{Applied: e.Pending})
}

// forget is the batch that drops what is pending.
func (e transactionMeta) forget(unit string) *state.Batch {
	dropped := &state.Batch{}
	transactionMeta{Pending: e.Applied, Parts: e.Parts}.resume(unit, dropped)
	return dropped
}

// pending reads the batch that waits.
func (e transactionMeta) pending(store state.Store, unit string) (*state.Batch, error) {
	batch := &state.Batch{}
	for part := range e.Parts {
		key := pendingKey(unit, part)
		b, found, err := store.Get(key, nil)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("entry %q is missing: %w", key, state.ErrCorrupt)
		}
		if err := readPart(batch, b); err != nil {
			return nil, fmt.Errorf("entry %q: %w: %w", key, err, state.ErrCorrupt)
		}
	}
	return batch, nil
}

var errCut = errors.New("it ends within a write")

func readPart(batch *state.Batch, b []byte) error {
	for len(b) > 0 {
		del := b[0]
		if del > 1 {
			return fmt.Errorf("a write begins with %d", del)
		}
		key, rest, ok := cutBytes(b[1:])
		if !ok {
			return errCut
		}
		if b = rest; del == 1 {
			batch.Delete(key)
			continue
		}
		value, rest, ok := cutBytes(b)
		if !ok {
			return errCut
		}
		batch.Set(key, value)
		b = rest
	}
	return nil
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func cutBytes(b []byte) (p, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	return b[size : size+int(n)], b[size+int(n):], true
}
