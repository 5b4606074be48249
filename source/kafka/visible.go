package kafka

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/IBM/sarama"
)

// maxResponse is the largest answer that sarama reads (sarama.MaxResponseSize).
const maxResponse = 100 << 20

// visible takes the batches of an answer that hold records for the application, and the offset after all of them. Control batches, and with committed
// those of aborted transactions, are left out but counted in next; tooLarge says that not even one batch fit into the answer.
func visible(block *sarama.FetchResponseBlock, pos int64, committed bool) (batches []*sarama.RecordBatch, next int64, tooLarge bool, err error) {
	next = pos
	if len(block.RecordsSet) == 0 {
		return nil, next, block.Partial, nil
	}
	var aborted *abortedProducers
	if committed && len(block.AbortedTransactions) > 0 {
		aborted = newAborted(block.AbortedTransactions)
	}
	batches = make([]*sarama.RecordBatch, 0, len(block.RecordsSet))
	for i, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil {
			return nil, pos, false, errors.New("records in a format older than Kafka 0.11 cannot be read: let the broker rewrite the topic")
		}
		if b.PartialTrailingRecord {
			return batches, next, i == 0, nil
		}
		next = max(next, b.LastOffset()+1)
		if b.Control {
			if aborted != nil {
				if err := aborted.control(b); err != nil {
					return nil, pos, false, err
				}
			}
			continue
		}
		if b.LastOffset() < pos || (aborted != nil && aborted.hides(b)) {
			continue
		}
		batches = append(batches, b)
	}
	return batches, next, false, nil
}

// abortedProducers follows, along one answer, which producers are inside a transaction that was aborted.
type abortedProducers struct {
	pending []*sarama.AbortedTransaction // by first offset
	inside  map[int64]bool
}

func newAborted(txns []*sarama.AbortedTransaction) *abortedProducers {
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
func (a *abortedProducers) hides(b *sarama.RecordBatch) bool {
	a.enter(b.LastOffset())
	return b.IsTransactional && a.inside[b.ProducerID]
}

// control ends the transaction that an abort marker is for.
func (a *abortedProducers) control(b *sarama.RecordBatch) error {
	a.enter(b.LastOffset())
	if len(b.Records) == 0 || len(b.Records[0].Key) < 4 {
		return fmt.Errorf("control batch at offset %d has no type", b.FirstOffset)
	}
	const abort = 0
	if key := b.Records[0].Key; int16(key[2])<<8|int16(key[3]) == abort {
		delete(a.inside, b.ProducerID)
	}
	return nil
}

// skipEmpty is the offset after an answer that holds only batches which compaction emptied. Sarama drops such batches and keeps their end to itself, in a
// field that is read here by reflection: without it a partition that ends in such a batch would never reach its stop.
func skipEmpty(block *sarama.FetchResponseBlock, pos int64) (int64, error) {
	f := reflect.ValueOf(block).Elem().FieldByName("recordsNextOffset")
	if !f.IsValid() || f.Kind() != reflect.Pointer || f.Type().Elem().Kind() != reflect.Int64 {
		return pos, fmt.Errorf("offset %d: only empty record batches follow, and this version of sarama does not say where they end: use the version in Millrace's go.mod", pos)
	}
	if f.IsNil() {
		return pos, nil
	}
	return max(pos, f.Elem().Int()), nil
}
