package elastic_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/sinktest"
)

type record = sinktest.Record

// stored is a record as a document.
type stored struct {
	ID     string  `json:"id"`
	Seq    int64   `json:"seq"`
	Text   string  `json:"text"`
	Number int64   `json:"number"`
	Ratio  float64 `json:"ratio"`
	Flag   bool    `json:"flag"`
}

func (s stored) record() record { return record(s) }

// features: a bulk request is no transaction, so batches are not atomic.
var features = sinktest.Features{Upserts: true, Parallel: true}

func TestConformance(t *testing.T) {
	f := newFake(t)
	sinktest.Run(t, sinktest.Config[record]{
		New: func(t *testing.T) sinktest.Target[record] {
			name := newIndex()
			return sinktest.Target[record]{
				Sink: func() sink.Sink[record] { return elastic.Upsert([]string{f.URL}, name, sinktest.Columns) },
				Rows: func(t *testing.T) (records []record) {
					for _, doc := range f.rows(name) {
						var s stored
						require.NoError(t, json.Unmarshal(doc, &s))
						records = append(records, s.record())
					}
					return records
				},
			}
		},
		Value:    sinktest.Same,
		Features: features,
	})
}
