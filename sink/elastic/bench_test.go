//go:build integration

package elastic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/millrace/millrace/internal/sinkbench"
	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/elastic"
)

// BenchmarkUpsertRatio takes turns with a loop by hand around one bulk request for each batch.
func BenchmarkUpsertRatio(b *testing.B) {
	type session = sinkbench.Session
	s := server{ondemand.Need(b, "elasticsearch")["url"]}
	sinkbench.Compare(b, func(b *testing.B) (sink.Writer[session], func(rows []sink.Row[session]) error) {
		name := s.index(b)
		open(b, elastic.Upsert([]string{s.url}, name, sinkbench.Columns)) // makes the index
		return open(b, elastic.Upsert([]string{s.url}, s.index(b), sinkbench.Columns)), func(rows []sink.Row[session]) error {
			var body bytes.Buffer
			lines := json.NewEncoder(&body)
			for i := range rows {
				r := &rows[i].Value
				fmt.Fprintf(&body, `{"index":{"_id":"%s,%d"}}`+"\n", r.User, r.Start)
				if err := lines.Encode(r); err != nil {
					return err
				}
			}
			resp, err := http.Post(s.url+"/"+name+"/_bulk", "application/x-ndjson", &body)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var answer struct {
				Errors bool              `json:"errors"`
				Items  []json.RawMessage `json:"items"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
				return err
			}
			if answer.Errors || len(answer.Items) != len(rows) {
				return errors.New("rows were refused")
			}
			return nil
		}
	})
}
