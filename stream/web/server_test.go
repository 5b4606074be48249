package web_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/stream/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a page on a free port until the test ends.
func serve(t *testing.T, p web.Page) (url string) {
	t.Helper()
	s, err := web.Listen(":0", p)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	return s.URL()
}

func TestServer(t *testing.T) {
	p, _ := finished(t)
	url := serve(t, p)
	require.True(t, strings.HasPrefix(url, "http://127.0.0.1:"), url)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for host, want := range map[string]int{"": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"metrics", nil)
		require.NoError(t, err)
		q.Host = host
		resp, err := client.Do(q)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode)
		require.Equal(t, want == http.StatusOK, strings.Contains(string(body), `millrace_records_in_total{job_name="replay",operator="numbers"} 1000`))
	}
}
