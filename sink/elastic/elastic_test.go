package elastic_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/sinktest"
	"github.com/millrace/millrace/sink/table"
)

var indexes atomic.Int64

// newIndex is a name that no other test uses.
func newIndex() string { return fmt.Sprintf("sinktest_%d_%d", os.Getpid(), indexes.Add(1)) }

func open[T any](t testing.TB, s sink.Sink[T]) sink.Writer[T] {
	t.Helper()
	w, err := s.Open(context.Background(), sink.Env{Job: "test", Operator: "rows"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() }) // a test that cares closes by itself
	return w
}

func one(id string, seq int64) []sink.Row[record] {
	return []sink.Row[record]{{Value: record{ID: id, Seq: seq}}}
}

func isBulk(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_bulk") }

func TestWrongOptions(t *testing.T) {
	urls := []string{"http://localhost:1"}
	columns := sinktest.Columns
	for _, test := range []struct {
		sink sink.Sink[record]
		want string
	}{
		{elastic.Upsert(urls, "", columns), "must have 1 to 255 bytes"},
		{elastic.Upsert(urls, "Sessions", columns), "lower-case letters"},
		{elastic.Upsert(urls, "-x", columns), "not at the beginning"},
		{elastic.Upsert(urls, ".x", columns), "not at the beginning"},
		{elastic.Upsert(urls, "a,b", columns), "lower-case letters"},
		{elastic.Upsert(urls, "a/../b", columns), "lower-case letters"},
		{elastic.Upsert(urls, "x*", columns), "lower-case letters"},
		{elastic.Upsert(nil, "x", columns), "no servers"},
		{elastic.Upsert([]string{"localhost:9200"}, "x", columns), "server 1 is not a URL"},
		{elastic.Upsert([]string{"http://a:1", "ftp://b"}, "x", columns), `server 2: the scheme is "ftp"`},
		{elastic.Upsert([]string{"http://a:1?x=1"}, "x", columns), "no parameters"},
		{elastic.Upsert([]string{"http://u:p@a:1", "http://u:q@b:1"}, "x", columns), "server 2 (b:1): another user or password"},
		{elastic.Upsert(urls, "x", table.Of[record]()), "no columns"},
		{elastic.Upsert(urls, "x", table.Of(table.Text("id", func(r record) string { return r.ID }))), "table.Key"},
		{elastic.Upsert(urls, "x", columns, elastic.Timeout(0)), "Timeout is 0s"},
		{elastic.Upsert(urls, "x", columns, elastic.BatchRows(0)), "BatchRows is 0"},
		{elastic.Upsert(urls, "x", columns, elastic.BatchBytes(-1)), "BatchBytes is -1"},
		{elastic.Upsert(urls, "x", columns, elastic.Shards(-1)), "Shards is -1"},
		{elastic.Upsert(urls, "x", columns, elastic.Replicas(-2)), "Replicas is -2"},
		{elastic.Upsert(urls, "x", columns, elastic.Refresh(9)), "Refresh is 9"},
		{elastic.Upsert(urls, "x", columns, elastic.APIKey("k"), elastic.BasicAuth("u", "p")), "use one"},
		{elastic.Upsert(urls, "x", columns, elastic.CA("no-such-file")), "CA: open no-such-file"},
	} {
		_, err := test.sink.Open(t.Context(), sink.Env{})
		require.ErrorContains(t, err, test.want)
		require.False(t, sink.IsTemporary(err))
	}
}

func TestCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		user string // in the URL
		opts []elastic.Option
		want string
	}{
		"none":                           {want: ""},
		"URL":                            {user: "u:p%40", want: "Basic dTpwQA=="},
		"URL before the environment":     {user: "u:p", env: map[string]string{"ELASTICSEARCH_API_KEY": "k"}, want: "Basic dTpw"},
		"password from the environment":  {user: "u", env: map[string]string{"ELASTICSEARCH_PASSWORD": "p"}, want: "Basic dTpw"},
		"environment":                    {env: map[string]string{"ELASTICSEARCH_USERNAME": "u", "ELASTICSEARCH_PASSWORD": "p"}, want: "Basic dTpw"},
		"API key from the environment":   {env: map[string]string{"ELASTICSEARCH_API_KEY": "k"}, want: "ApiKey k"},
		"option before all":              {user: "a:b", env: map[string]string{"ELASTICSEARCH_API_KEY": "k"}, opts: []elastic.Option{elastic.BasicAuth("u", "p")}, want: "Basic dTpw"},
		"API key as option before a URL": {user: "a:b", opts: []elastic.Option{elastic.APIKey("k")}, want: "ApiKey k"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, unset := range []string{"ELASTICSEARCH_API_KEY", "ELASTICSEARCH_USERNAME", "ELASTICSEARCH_PASSWORD"} {
				t.Setenv(unset, test.env[unset])
			}
			f := newFake(t)
			var got atomic.Value
			f.on(func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
				got.Store(r.Header.Get("Authorization"))
				return false
			})
			url := f.URL
			if test.user != "" {
				url = strings.Replace(url, "http://", "http://"+test.user+"@", 1)
			}
			open(t, elastic.Upsert([]string{url}, "x", sinktest.Columns, test.opts...))
			require.Equal(t, test.want, got.Load())
		})
	}
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	f := newFake(t)
	f.on(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		refuse(w, 401, "security_exception", "unable to authenticate user")
		return true
	})
	for _, s := range []sink.Sink[record]{
		elastic.Upsert([]string{strings.Replace(f.URL, "//", "//user:s3cr3t@", 1)}, "x", sinktest.Columns),
		elastic.Upsert([]string{"http://user:s3cr3t@127.0.0.1:1"}, "x", sinktest.Columns), // nobody listens there
		elastic.Upsert([]string{"http://user:s3cr3t@127.0.0.1:port"}, "x", sinktest.Columns),
		elastic.Upsert([]string{"http://user:s3cr3t%@127.0.0.1:1"}, "x", sinktest.Columns),
		elastic.Upsert([]string{"http://user:s3cr3t/x@127.0.0.1:1"}, "x", sinktest.Columns),
		elastic.Upsert([]string{"user:s3cr3t@127.0.0.1:1"}, "x", sinktest.Columns),
		elastic.Upsert([]string{f.URL}, "x", sinktest.Columns, elastic.BasicAuth("user", "s3cr3t")),
		elastic.Upsert([]string{f.URL}, "x", sinktest.Columns, elastic.APIKey("s3cr3t")),
	} {
		require.Equal(t, "elastic index=x", s.String())
		_, err := s.Open(t.Context(), sink.Env{})
		require.Error(t, err)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s)} {
			require.NotContains(t, text, "s3cr3t")
		}
	}
	_, err := elastic.Upsert([]string{f.URL}, "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "security_exception: unable to authenticate user (check user and password or API key")
	require.False(t, sink.IsTemporary(err))
}

func TestServerAwayIsTemporary(t *testing.T) {
	_, err := elastic.Upsert([]string{"http://127.0.0.1:1"}, "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.True(t, sink.IsTemporary(err), "%v", err)
	require.ErrorContains(t, err, `elastic index=x: Get "http://127.0.0.1:1/x"`)
}

// A node that is away costs one attempt; its successor takes over, and is asked from then on.
func TestNextNode(t *testing.T) {
	f := newFake(t)
	gone := httptest.NewServer(f)
	gone.Close()
	w := open(t, elastic.Upsert([]string{gone.URL, f.URL}, "x", sinktest.Columns))
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	require.NoError(t, w.Close())
	require.Len(t, f.rows("x"), 1)
}

func TestNextNodeAfterAnError(t *testing.T) {
	f := newFake(t)
	bad := newFake(t)
	bad.indexes = f.indexes
	w := open(t, elastic.Upsert([]string{bad.URL, f.URL}, "x", sinktest.Columns))
	bad.on(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		refuse(w, 503, "cluster_block_exception", "no master")
		return true
	})
	err := w.Write(t.Context(), one("a", 1))
	require.True(t, sink.IsTemporary(err), "%v", err)
	require.ErrorContains(t, err, bad.URL)
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	require.Equal(t, 1, f.called("POST /x/_bulk"))
}

func TestCertificates(t *testing.T) {
	f := newFake(t)
	secure := httptest.NewUnstartedServer(f)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	_, err := elastic.Upsert([]string{secure.URL}, "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "certificate")
	require.False(t, sink.IsTemporary(err), "no waiting makes a certificate trusted: %v", err)
	_, err = elastic.Upsert([]string{strings.Replace(f.URL, "http:", "https:", 1)}, "x", sinktest.Columns).Open(t.Context(), sink.Env{})
	require.False(t, sink.IsTemporary(err), "no waiting makes a server speak TLS: %v", err)
	require.Error(t, err)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600))
	open(t, elastic.Upsert([]string{secure.URL}, "x", sinktest.Columns, elastic.CA(ca)))
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("nothing"), 0o600))
	_, err = elastic.Upsert([]string{secure.URL}, "x", sinktest.Columns, elastic.CA(empty)).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "no certificate in PEM form")
}

func TestBatchBytesSplitABatch(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns, elastic.BatchBytes(10_000)))
	var rows []sink.Row[record]
	for i := range 200 {
		rows = append(rows, sink.Row[record]{Value: record{ID: "row", Seq: int64(i), Text: strings.Repeat("x", 100)}})
	}
	rows[77].Value.Text = strings.Repeat("x", 50_000)
	require.NoError(t, w.Write(t.Context(), rows))
	require.NoError(t, w.Close())
	require.Len(t, f.rows("x"), 200)
	require.Greater(t, len(f.bulks), 4)
	large := 0
	for _, size := range f.bulks {
		if size > 10_000 {
			large++
		}
	}
	require.Equal(t, 1, large, "the one row that is larger goes by itself: %v", f.bulks)
}

// failing answers a bulk request such that every second row failed with the status.
func failing(status int, kind string) func(w http.ResponseWriter, r *http.Request, body []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !isBulk(r) {
			return false
		}
		var items []any
		for i := range strings.Count(string(body), "\n") / 2 {
			item := map[string]any{"status": 200}
			if i%2 == 1 {
				item = map[string]any{"status": status, "error": map[string]any{"type": kind, "reason": "failed to parse field [number]", "caused_by": map[string]any{"type": "cause", "reason": "why"}}}
			}
			items = append(items, map[string]any{"index": item})
		}
		answer(w, 200, map[string]any{"errors": true, "items": items})
		return true
	}
}

func TestRefusedDocuments(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns))
	var rows []sink.Row[record]
	for i := range 7 {
		rows = append(rows, one("a", int64(i))...)
	}
	for _, test := range []struct {
		status    int
		kind      string
		temporary bool
	}{
		{429, "es_rejected_execution_exception", true},
		{503, "unavailable_shards_exception", true},
		{500, "node_closed_exception", true},
		{400, "mapper_parsing_exception", false},
		{403, "cluster_block_exception", false},
	} {
		f.on(failing(test.status, test.kind))
		err := w.Write(t.Context(), rows)
		require.ErrorContains(t, err, fmt.Sprintf(`row id="a" seq=1: %d %s: failed to parse field [number]; caused by cause: why (and 2 more rows of 7 were refused)`, test.status, test.kind))
		require.Equal(t, test.temporary, sink.IsTemporary(err), "%v", err)
	}
	f.on(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if isBulk(r) {
			answer(w, 200, json.RawMessage(`{"errors":true,"items":[{"index":{"status":429,"error":{"type":"busy"}}},{"index":{"status":400,"error":{"type":"wrong"}}}]}`))
		}
		return isBulk(r)
	})
	err := w.Write(t.Context(), rows[:2])
	require.ErrorContains(t, err, "seq=1: 400 wrong (and 1 more rows", "what waiting does not mend is what is reported")
	require.False(t, sink.IsTemporary(err))
	f.on(nil)
	require.NoError(t, w.Write(t.Context(), rows), "the Writer goes on")
	require.NoError(t, w.Close())
	require.Len(t, f.rows("x"), 7)
}

func TestRefusedRequests(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns))
	for _, test := range []struct {
		status    int
		body      string
		want      string
		temporary bool
	}{
		{429, `{"error":{"type":"circuit_breaking_exception","reason":"too large"}}`, "circuit_breaking_exception: too large", true},
		{502, "<html>bad gateway</html>", "502 Bad Gateway: <html>bad gateway</html>", true},
		{413, "", "BatchBytes", false},
		{404, `{"error":"no handler found"}`, "no handler found", false},
		{301, "", "301 Moved Permanently", false},
		{200, "<html>hello</html>", "not what Elasticsearch answers", false},
		{200, `{"errors":false,"items":[]}`, "a bulk request of 1 actions was answered for 0", false},
	} {
		f.on(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if isBulk(r) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}
			return isBulk(r)
		})
		err := w.Write(t.Context(), one("a", 1))
		require.ErrorContains(t, err, test.want)
		require.Equal(t, test.temporary, sink.IsTemporary(err), "%v", err)
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns, elastic.Timeout(200*time.Millisecond)))
	release := make(chan struct{})
	arrived := make(chan struct{}, 10)
	f.on(func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if isBulk(r) {
			arrived <- struct{}{}
			<-release
		}
		return false
	})
	t.Cleanup(func() { close(release) })
	err := w.Write(t.Context(), one("a", 1))
	require.True(t, sink.IsTemporary(err), "%v", err)
	<-arrived
	reason := errors.New("the job is stopping")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-arrived; cancel(reason) }()
	err = w.Write(ctx, one("a", 1))
	require.ErrorIs(t, err, reason)
	require.False(t, sink.IsTemporary(err))
}

// After a lost answer a Writer waits until the server no longer works on the request.
func TestLostAnswerIsWaitedFor(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns))
	require.Equal(t, 1, f.called("GET /_tasks"), "a Writer that takes another's place waits as well")
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	require.Equal(t, 1, f.called("GET /_tasks"), "nothing is asked while all goes well")
	looks := 0
	f.on(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		switch {
		case r.URL.Path == "/_tasks":
			tasks := map[string]any{
				"node:8": map[string]any{"headers": map[string]any{"X-Opaque-Id": "somebody else"}},
			}
			if looks++; looks < 4 {
				tasks["node:7"] = map[string]any{"headers": map[string]any{"X-Opaque-Id": r.Header.Get("X-Opaque-Id")}}
			}
			if looks > 1 {
				tasks["node:9"] = map[string]any{"headers": map[string]any{"X-Opaque-Id": r.Header.Get("X-Opaque-Id")}} // came later
			}
			answer(w, 200, map[string]any{"nodes": map[string]any{"node": map[string]any{"tasks": tasks}}})
			return true
		case isBulk(r) && looks == 0:
			panic(http.ErrAbortHandler) // the connection breaks
		}
		return false
	})
	err := w.Write(t.Context(), one("a", 2))
	require.True(t, sink.IsTemporary(err), "%v", err)
	require.NoError(t, w.Write(t.Context(), one("a", 2)))
	require.Equal(t, 4, looks)
}

func TestLostAnswerIsWaitedForNoLongerThanTheTimeout(t *testing.T) {
	f := newFake(t)
	f.on(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path == "/_tasks" {
			answer(w, 200, map[string]any{"nodes": map[string]any{"n": map[string]any{"tasks": map[string]any{"n:1": map[string]any{"headers": map[string]any{"X-Opaque-Id": r.Header.Get("X-Opaque-Id")}}}}}})
			return true
		}
		return false
	})
	_, err := elastic.Upsert([]string{f.URL}, "x", sinktest.Columns, elastic.Timeout(100*time.Millisecond)).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "still carrying out an earlier request")
	require.True(t, sink.IsTemporary(err))
}

func TestServerThatListsNoTasks(t *testing.T) {
	f := newFake(t)
	f.on(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path == "/_tasks" {
			refuse(w, 403, "security_exception", "action [cluster:monitor/tasks/lists] is unauthorized")
			return true
		}
		return false
	})
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns))
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
}

func TestDeletedIndex(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns))
	require.NoError(t, w.Write(t.Context(), one("a", 1)))
	f.mu.Lock()
	delete(f.indexes, "x")
	f.mu.Unlock()
	// Within a second of the last look the Write may pass, but not the Close.
	err := errors.Join(w.Write(t.Context(), one("a", 2)), w.Close())
	require.ErrorIs(t, err, elastic.ErrSchema)
	require.ErrorContains(t, err, "the index was deleted while the job wrote to it")
	require.False(t, sink.IsTemporary(err))
}

func TestRefreshPolicies(t *testing.T) {
	for policy, want := range map[elastic.RefreshPolicy]struct {
		afterWrite, afterClose int
	}{
		elastic.RefreshAtEnd: {0, 1},
		elastic.RefreshNow:   {1, 1},
		elastic.RefreshWait:  {1, 1},
		elastic.RefreshNever: {0, 0},
	} {
		f := newFake(t)
		w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns, elastic.Refresh(policy)))
		require.NoError(t, w.Write(t.Context(), one("a", 1)))
		require.Len(t, f.rows("x"), want.afterWrite, "policy %d", policy)
		require.NoError(t, w.Close())
		require.Len(t, f.rows("x"), want.afterClose, "policy %d", policy)
	}
	f := newFake(t)
	require.NoError(t, open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns)).Close())
	require.Zero(t, f.called("POST /x/_refresh"), "nothing was written")
}

func TestRowsThatJSONDoesNotHave(t *testing.T) {
	f := newFake(t)
	w := open(t, elastic.Upsert([]string{f.URL}, "x", sinktest.Columns))
	rows := append(one("good", 1), one("bad", 2)...)
	rows[1].Value.Ratio = math.NaN()
	err := w.Write(t.Context(), rows)
	require.ErrorContains(t, err, "elastic index=x: row")
	require.ErrorContains(t, err, `row id="bad" seq=2, column ratio: JSON has no NaN`)
	rows[1].Value = record{ID: "bad", Seq: 3, Text: "a\xffb"}
	require.ErrorContains(t, w.Write(t.Context(), rows), `row id="bad" seq=3, column text: the text is not valid UTF-8`)
	require.False(t, sink.IsTemporary(err))
	require.Zero(t, f.called("POST /x/_bulk"))
}
