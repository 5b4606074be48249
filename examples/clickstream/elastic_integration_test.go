//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
)

// TestSearchServers takes the clicks into Elasticsearch and OpenSearch: sessions, metrics and late clicks into indexes of their own.
func TestSearchServers(t *testing.T) {
	for _, product := range []string{"elasticsearch", "opensearch"} {
		t.Run(product, func(t *testing.T) {
			address := ondemand.Need(t, product)["url"]
			prefix := fmt.Sprintf("run_%d_", time.Now().UnixNano())
			t.Cleanup(func() {
				for _, index := range []string{"sessions_v1", "session_metrics_v1", "late_v1"} {
					ask(t, http.MethodDelete, address+"/"+prefix+index+"?ignore_unavailable=true", "")
				}
			})
			data := t.TempDir()
			do(t, "produce", "--in", filepath.Join(testdata, "hard.jsonl.gz"), "--data", data)
			do(t, "run", "--until-end", "--data", data, "--lateness", "10m", "--checkpoint-every", "500ms",
				"--sink", "elastic:"+address+"?index="+prefix+"sessions", "--late-sink", "elastic:"+address+"?index="+prefix+"late")
			want := wantSessions(t, "hard-sessions-4p-lateness10m.csv.gz")
			same(t, want, sessionsOf(t, documents(t, address, prefix+"sessions_v1", oracleHeader)))
			metrics := []string{"window_start", "sessions", "with_cart", "abandoned", "abandonment_rate", "mean_duration_ms"}
			same(t, wantMetrics(want, 30*minute), metricsOf(t, documents(t, address, prefix+"session_metrics_v1", metrics)))
			require.NotEmpty(t, documents(t, address, prefix+"late_v1", []string{"user_id", "event_timestamp", "split", "offset"}))
		})
	}
}

// TestVersionsOfSearchServers compares, cuts over, rolls back and drops versions whose readers use aliases.
func TestVersionsOfSearchServers(t *testing.T) {
	for _, product := range []string{"elasticsearch", "opensearch"} {
		t.Run(product, func(t *testing.T) {
			address := ondemand.Need(t, product)["url"]
			reader := fmt.Sprintf("story_%d_sessions", time.Now().UnixNano())
			flags := twoVersions(t, "--sink", "elastic:"+address+"?index="+reader)
			storyOfVersions(t, flags, func() int { return len(documents(t, address, reader, []string{"user_id"})) })
			ask(t, http.MethodDelete, address+"/"+reader+"_v1,"+strings.TrimSuffix(reader, "s")+"_metrics_v1", "")
		})
	}
}

// ask makes a request as any reader would.
func ask(t *testing.T, method, url, body string) []byte {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", answer)
	return answer
}

// documents reads an index of at most 10,000 rows as text.
func documents(t *testing.T, address, index string, columns []string) (rows [][]string) {
	t.Helper()
	var found struct {
		Hits struct {
			Hits []struct {
				Source map[string]any `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	answer := json.NewDecoder(strings.NewReader(string(ask(t, http.MethodPost, address+"/"+index+"/_search", `{"size":10000}`))))
	answer.UseNumber()
	require.NoError(t, answer.Decode(&found))
	require.Less(t, len(found.Hits.Hits), 10_000)
	for _, hit := range found.Hits.Hits {
		var row []string
		for _, c := range columns {
			row = append(row, fmt.Sprint(hit.Source[c]))
		}
		rows = append(rows, row)
	}
	return rows
}
