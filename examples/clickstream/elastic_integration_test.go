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
			same(t, wantMetrics(want, 30*minute), metricsOf(t, documents(t, address, prefix+"session_metrics_v1", metricsHeader)))
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

// TestReplayIntoElasticsearch replays a topic of Apache Kafka beside the rows of another definition, and moves readers of both aliases from the one to the other.
func TestReplayIntoElasticsearch(t *testing.T) {
	address, log := ondemand.Need(t, "elasticsearch")["url"], newRealLog(t)
	prefix := fmt.Sprintf("kappa_%d_", time.Now().UnixNano())
	t.Cleanup(func() {
		ask(t, http.MethodDelete, address+"/"+prefix+"sessions_v1,"+prefix+"session_metrics_v1,"+prefix+"sessions_v2,"+prefix+"session_metrics_v2?ignore_unavailable=true", "")
	})
	do(t, log.args("produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz"))...)
	sink := []string{"--sink", "elastic:" + address + "?index=" + prefix + "sessions"}
	do(t, append(log.as("v1", "run", "--until-end"), sink...)...)
	do(t, append(log.as("v2", "replay", "--gap", "15m"), sink...)...)
	rows := func(index string) [][]string {
		if strings.HasPrefix(index, "session_metrics") {
			return documents(t, address, prefix+index, metricsHeader)
		}
		return documents(t, address, prefix+index, oracleHeader)
	}
	wide, narrow := wantSessions(t, "ecom-sessions-30m.csv.gz"), wantSessions(t, "ecom-sessions-15m.csv.gz")
	exactRows(t, rows, "_v1", wide, 30)
	exactRows(t, rows, "_v2", narrow, 15)
	exactRows(t, rows, "", wide, 30) // as readers see it

	text, code := resultOf(t, append([]string{"compare", "v1", "v2"}, sink...)...)
	require.Equal(t, 1, code)
	require.Contains(t, text, "3,605 = 3,490 + 115\n3,722 = 3,490 + 232\n")

	stop, seen := make(chan struct{}), make(chan map[string]int)
	go func() { seen <- aliasesSeen(t, address, prefix, stop) }()
	do(t, log.args(append([]string{"cutover", "v2"}, sink...)...)...)
	exactRows(t, rows, "", narrow, 15)
	begun := time.Now()
	do(t, append([]string{"rollback"}, sink...)...)
	require.Less(t, time.Since(begun), time.Second, "a rollback")
	exactRows(t, rows, "", wide, 30)
	close(stop)
	got := <-seen
	t.Logf("a reader of both aliases saw %v", got)
	sizes := func(name string, sessions int, metrics int) string {
		return fmt.Sprintf("%d in session_metrics_%s, %d in sessions_%s", metrics, name, sessions, name)
	}
	require.Len(t, got, 2)
	require.Positive(t, got[sizes("v1", len(wide), len(wantMetrics(wide, 30*minute)))], "%v", got)
	require.Positive(t, got[sizes("v2", len(narrow), len(wantMetrics(narrow, 15*minute)))], "%v", got)
	do(t, append([]string{"versions", "drop", "v2"}, sink...)...)
	exactRows(t, rows, "", wide, 30)
}

// aliasesSeen asks for both aliases in one request, again and again, and counts what it saw: how many documents of which indexes.
func aliasesSeen(t *testing.T, address, prefix string, stop <-chan struct{}) map[string]int {
	seen := map[string]int{}
	for {
		var answer struct {
			Aggregations struct {
				Indexes struct {
					Buckets []struct {
						Key   string `json:"key"`
						Count int    `json:"doc_count"`
					} `json:"buckets"`
				} `json:"indexes"`
			} `json:"aggregations"`
		}
		text := ask(t, http.MethodPost, address+"/"+prefix+"sessions,"+prefix+"session_metrics/_search", `{"size":0,"aggs":{"indexes":{"terms":{"field":"_index","order":{"_key":"asc"}}}}}`)
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Error(err)
		}
		var parts []string
		for _, b := range answer.Aggregations.Indexes.Buckets {
			parts = append(parts, fmt.Sprintf("%d in %s", b.Count, strings.TrimPrefix(b.Key, prefix)))
		}
		seen[strings.Join(parts, ", ")]++
		select {
		case <-stop:
			return seen
		default:
		}
	}
}

var metricsHeader = []string{"window_start", "sessions", "with_cart", "abandoned", "abandonment_rate", "mean_duration_ms"}

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
