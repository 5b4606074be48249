//go:build integration

package elastic_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
)

// products are the servers that every test here runs on.
var products = []string{"elasticsearch", "opensearch"}

// onEach runs a test on both servers.
func onEach(t *testing.T, test func(t *testing.T, s server)) {
	for _, name := range products {
		t.Run(name, func(t *testing.T) { test(t, server{ondemand.Need(t, name)["url"]}) })
	}
}

// server is asked directly, as a reader would, without the package under test.
type server struct{ url string }

// call makes a request and returns the answer with its status.
func (s server) call(method, path, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// must makes a request that succeeds.
func (s server) must(t testing.TB, method, path, body string) []byte {
	t.Helper()
	status, answer, err := s.call(method, path, body)
	require.NoError(t, err)
	require.Equal(t, 2, status/100, "%s %s: %d %s", method, path, status, answer)
	return answer
}

// index is a name that no other test uses, of an index that is deleted in the end.
func (s server) index(t testing.TB) string {
	name := newIndex()
	t.Cleanup(func() { s.must(t, "DELETE", "/"+name+"?ignore_unavailable=true", "") })
	return name
}

// records are what a search finds in an index or behind an alias now. A missing one has none.
func (s server) records(t testing.TB, name string) []record {
	t.Helper()
	docs, err := s.search(name)
	require.NoError(t, err)
	var all []record
	for _, doc := range docs {
		var r stored
		require.NoError(t, json.Unmarshal(doc, &r))
		all = append(all, r.record())
	}
	return all
}

// search pages by the key.
func (s server) search(name string) (docs []json.RawMessage, err error) {
	after := ""
	for {
		status, answer, err := s.call("POST", "/"+name+"/_search", `{"size":10000,"sort":["id","seq"]`+after+`}`)
		if err != nil {
			return nil, err
		}
		if status == http.StatusNotFound && bytes.Contains(answer, []byte("index_not_found")) {
			return nil, nil
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("%d %s", status, answer)
		}
		var found struct {
			Hits struct {
				Hits []struct {
					Source json.RawMessage `json:"_source"`
					Sort   json.RawMessage `json:"sort"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := json.Unmarshal(answer, &found); err != nil {
			return nil, err
		}
		hits := found.Hits.Hits
		for _, h := range hits {
			docs = append(docs, h.Source)
		}
		if len(hits) < 10000 {
			return docs, nil
		}
		after = `,"search_after":` + string(hits[len(hits)-1].Sort)
	}
}
