//go:build !race

package kafka_test

import (
	"testing"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/sink/sinktest"
)

func TestExactlyOnceConformance(t *testing.T) {
	brokers := testBrokers(t)
	sinktest.Run(t, sinktest.Config[sinktest.Record]{
		New: func(t *testing.T) sinktest.Target[sinktest.Record] {
			name := newTopic(t, brokers, 3)
			return sinktest.Target[sinktest.Record]{
				Sink: func() sink.Sink[sinktest.Record] {
					return kafka.Sink(brokers, name, jsonRecords, kafka.ExactlyOnce(), kafka.TransactionPrefix(name))
				},
				Rows: func(t *testing.T) []sinktest.Record { return tableOf(t, readCommitted(t, brokers, name)) },
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Upserts: true, Transactions: true, Parallel: true},
	})
}
