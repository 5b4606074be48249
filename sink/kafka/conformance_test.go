package kafka_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/source"
)

var jsonRecords = kafka.EncoderFunc[sinktest.Record](func(m *kafka.Message, r sinktest.Record) (err error) {
	m.Key = fmt.Appendf(nil, "%s/%d", r.ID, r.Seq)
	m.Value, err = json.Marshal(r)
	return err
})

func TestConformance(t *testing.T) {
	brokers := testBrokers(t)
	sinktest.Run(t, sinktest.Config[sinktest.Record]{
		New: func(t *testing.T) sinktest.Target[sinktest.Record] {
			name := newTopic(t, brokers, 3)
			return sinktest.Target[sinktest.Record]{
				Sink: func() sink.Sink[sinktest.Record] { return kafka.Sink(brokers, name, jsonRecords) },
				Rows: func(t *testing.T) []sinktest.Record { return table(t, brokers, name) },
			}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Upserts: true, Parallel: true},
	})
}

// table is what the topic amounts to for a reader that keeps the last record of each key.
func table(t *testing.T, brokers []string, name string) []sinktest.Record {
	return tableOf(t, written(t, brokers, name))
}

func tableOf(t *testing.T, partitions map[int32][]source.Raw) []sinktest.Record {
	rows := map[string]sinktest.Record{}
	for _, records := range partitions {
		for _, raw := range records {
			if raw.Value == nil {
				delete(rows, string(raw.Key))
				continue
			}
			var r sinktest.Record
			require.NoError(t, json.Unmarshal(raw.Value, &r))
			rows[string(raw.Key)] = r
		}
	}
	return slices.SortedFunc(maps.Values(rows), func(a, b sinktest.Record) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Seq, b.Seq)) })
}
