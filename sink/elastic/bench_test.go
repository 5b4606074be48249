//go:build integration

package elastic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

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
		openSessions := func(index string) sink.Writer[session] {
			w, err := elastic.Upsert([]string{s.url}, index, sinkbench.Columns).Open(b.Context(), sink.Env{})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, w.Close()) })
			return w
		}
		openSessions(name) // makes the index
		return openSessions(s.index(b)), func(rows []sink.Row[session]) error {
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
