package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/web"
	"github.com/millrace/millrace/watermark"
)

// numbersJob counts up to n and, with a live log, goes on with what is appended.
func numbersJob(log *memory.Live[int], n int, options ...stream.JobOption) *stream.Job {
	j := stream.NewJob("numbers", append(options, stream.Logger(slog.New(slog.DiscardHandler)))...)
	at := func(n int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(n)) }
	var in stream.DataStream[int]
	if log != nil {
		in = stream.From[int](j, "numbers", log, watermark.Monotonous(at))
	} else {
		in = stream.From[int](j, "numbers", memory.Of(upTo(n)...), watermark.Monotonous(at))
	}
	even := stream.Filter(in, func(n int) bool { return n%2 == 0 }, stream.Name("even"))
	stream.To(even, "list", &sinkmemory.List[int]{})
	return j
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// finished is the page of a job that has read 1,000 numbers, beside a history that another process wrote.
func finished(t *testing.T) (web.Page, *limit.Limiter) {
	t.Helper()
	dir := t.TempDir()
	l := limit.New(limit.Rate{Events: 10_000}) // a run within a millisecond has no rate to draw
	j := numbersJob(nil, 1000, stream.RateLimit(l))
	r := progress.New("replay", j, progress.File(filepath.Join(dir, "replay.jsonl")))
	require.NoError(t, r.Run(t.Context()))
	l.Set(limit.Rate{})
	other := progress.History{Name: "live", Points: []progress.Point{{At: 1000, Events: 1}, {At: 3000, Events: 201}}}
	require.NoError(t, other.Save(filepath.Join(dir, "live.jsonl")))
	return web.Page{Title: "Test", Jobs: []web.Job{{Recorder: r, Job: j, Limit: l}}, Files: []string{filepath.Join(dir, "*.jsonl")}}, l
}

// call asks the handler of a page as a browser on the same machine would.
func call(t *testing.T, p web.Page, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := p.Handler()
	require.NoError(t, err)
	q := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	q.Host = "127.0.0.1:8081"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			q.Host = header[i+1]
		} else {
			q.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

func get(t *testing.T, p web.Page, path string) string {
	t.Helper()
	w := call(t, p, http.MethodGet, path, "")
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	return w.Body.String()
}
