package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/sink"
)

// Errors that sarama has no name for.
const (
	errProducerFenced          sarama.KError = 90
	errTransactionalIDNotFound sarama.KError = 105
)

// transaction is an open transaction. All writers of the unit share its line.
type transaction struct {
	transactor *transactor
	lane       *lane
	line       *line
	settings   settings
	marker     string
	first      atomic.Int64 // when the first row came, in nanoseconds since 1970; 0 for never
}

// Marker implements sink.Transaction.
func (n *transaction) Marker() string { return n.marker }

// Empty implements sink.Transaction.
func (n *transaction) Empty() bool { return n.first.Load() == 0 }

// begun notes that rows come: from now on the brokers count the transaction's time.
func (n *transaction) begun() {
	if n.first.Load() == 0 {
		n.first.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// Commit implements sink.Transaction. The marker is an offset commit, which is part of the transaction: what counts is the note beside the offset.
func (n *transaction) Commit(ctx context.Context) error {
	stop := context.AfterFunc(ctx, n.transactor.cutOff)
	defer stop()
	offset := &sarama.PartitionOffsetMetadata{Metadata: &n.marker}
	err := n.line.async.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{n.transactor.topic: {offset}}, n.transactor.group)
	if err == nil {
		err = n.line.async.CommitTxn()
	}
	if err != nil {
		return n.fenced(err)
	}
	n.lane.open = nil
	n.line.close()
	return nil
}

// fenced tells what it means that the brokers refuse the transaction's epoch: another instance has initialized the id, or they gave up the transaction.
func (n *transaction) fenced(err error) error {
	switch {
	case errors.Is(err, sarama.ErrInvalidProducerEpoch), errors.Is(err, sarama.ErrInvalidTxnState), errors.Is(err, errProducerFenced):
	case errors.Is(err, sarama.ErrTransactionNotReady): // sarama does not tell what failed the transaction before: the brokers know whose the id is
		if now, unknown := n.lane.current(); unknown != nil || now == n.lane.last {
			return err
		}
	default:
		return err
	}
	timeout := n.transactor.config.timeout
	if first := n.first.Load(); first != 0 && time.Since(time.Unix(0, first)) >= timeout {
		return fmt.Errorf("transactional id %s: the brokers gave up the transaction, which was open for longer than TransactionTimeout (%s): raise that, or take checkpoints more often: %w", n.lane.id, timeout, err)
	}
	return fmt.Errorf("transactional id %s: %w: %w", n.lane.id, sink.ErrFenced, err)
}
