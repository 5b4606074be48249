package kafka

import (
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/internal/batch"
)

// maxResponse is the largest answer that sarama reads (sarama.MaxResponseSize).
const maxResponse = 100 << 20

// visible takes the batches of an answer that hold records for the application, and the offset after all of them. Control batches, and those of aborted
// transactions, are left out but counted in next. The last batch may be cut off; if it is the first too, the error is batch.ErrTruncated.
func visible(records []byte, txns []*sarama.AbortedTransaction, pos int64) (batches []batch.Batch, next int64, err error) {
	next = pos
	aborted := newAborted(txns)
	for first := true; len(records) > 0; first = false {
		var b batch.Batch
		if b, records, err = batch.Read(records); errors.Is(err, batch.ErrTruncated) && !first {
			return batches, next, nil
		} else if err != nil {
			return nil, pos, err
		}
		next = max(next, b.LastOffset+1)
		if b.Control {
			err = aborted.control(&b)
		} else if b.LastOffset >= pos && !aborted.hides(&b) {
			if err = b.Open(); len(b.Records) > 0 {
				batches = append(batches, b)
			}
		}
		if err != nil {
			return nil, pos, err
		}
	}
	return batches, next, nil
}

// abortedProducers follows, along one answer, which producers are inside a transaction that was aborted. None is nil.
type abortedProducers struct {
	pending []*sarama.AbortedTransaction // by first offset
	inside  map[int64]bool
}

func newAborted(txns []*sarama.AbortedTransaction) *abortedProducers {
	if len(txns) == 0 {
		return nil
	}
	pending := slices.Clone(txns)
	slices.SortFunc(pending, func(a, b *sarama.AbortedTransaction) int { return int(min(1, max(-1, a.FirstOffset-b.FirstOffset))) })
	return &abortedProducers{pending: pending, inside: make(map[int64]bool, len(pending))}
}

// enter opens the transactions that begin at or before offset.
func (a *abortedProducers) enter(offset int64) {
	for len(a.pending) > 0 && a.pending[0].FirstOffset <= offset {
		a.inside[a.pending[0].ProducerID] = true
		a.pending = a.pending[1:]
	}
}

// hides reports whether b belongs to an aborted transaction.
func (a *abortedProducers) hides(b *batch.Batch) bool {
	if a == nil {
		return false
	}
	a.enter(b.LastOffset)
	return b.Transactional && a.inside[b.ProducerID]
}

// control ends the transaction that an abort marker is for.
func (a *abortedProducers) control(b *batch.Batch) error {
	if a == nil {
		return nil
	}
	a.enter(b.LastOffset)
	if err := b.Open(); err != nil {
		return err
	}
	if len(b.Records) == 0 || len(b.Key(&b.Records[0])) < 4 {
		return fmt.Errorf("control batch at offset %d has no type", b.FirstOffset)
	}
	const abort = 0
	if key := b.Key(&b.Records[0]); int16(key[2])<<8|int16(key[3]) == abort {
		delete(a.inside, b.ProducerID)
	}
	return nil
}
