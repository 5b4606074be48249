//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pageOf is the address of the page that a process serves.
func pageOf(t *testing.T, p *process) string {
	t.Helper()
	return strings.TrimSuffix(p.await(t, regexp.MustCompile(`Progress is on (http://127\.0\.0\.1:\d+)`))[1], "/")
}

// pageStatus is what the tests look at of /api/status.
type pageStatus struct {
	Jobs []struct {
		Name            string  `json:"name"`
		State           string  `json:"state"`
		Events          int64   `json:"events"`
		EventsPerSecond float64 `json:"eventsPerSecond"`
		Read            int64   `json:"read"`
		Total           int64   `json:"total"`
		Done            float64 `json:"done"`
		Remaining       float64 `json:"remaining"`
		Limit           struct {
			Events   float64 `json:"events"`
			Present  float64 `json:"present"`
			Adaptive bool    `json:"adaptive"`
			Why      string  `json:"why"`
			Latency  float64 `json:"latency"`
		} `json:"limit"`
	} `json:"jobs"`
}

// until asks for the status until it is as wanted.
func (s *pageStatus) until(t *testing.T, page string, wanted func() bool) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		*s = pageStatus{}
		require.NoError(t, json.Unmarshal(ask(t, http.MethodGet, page+"/api/status", ""), s))
		require.Len(t, s.Jobs, 1)
		if wanted() {
			return
		}
		require.Less(t, time.Since(begun), 30*time.Second, "the page says %+v", s)
	}
}

// TestReplayIsPaced watches a replay into PostgreSQL on its page: it gives way to a database that has become slow, and goes on, killed and started again, as fast as
// somebody lets it.
func TestReplayIsPaced(t *testing.T) {
	run, log := newPostgresRun(t, server(t, "MILLRACE_TEST_POSTGRES")), newRealLog(t)
	do(t, log.args("produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz"))...)
	replay := log.as("v2", "replay", "--gap", "15m", "--sink", run.sink(), "--http", "127.0.0.1:0", "--checkpoint-every", "200ms")
	var status pageStatus

	p := start(t, append(replay, "--rate", "1500", "--sink-latency", "60ms")...)
	page := pageOf(t, p)
	status.until(t, page, func() bool { return status.Jobs[0].Events > 1000 })
	job := status.Jobs[0]
	require.Equal(t, log.topic+"-v2", job.Name)
	require.Equal(t, "running", job.State)
	require.EqualValues(t, clicksInAll, job.Total)
	require.InDelta(t, float64(job.Read)/clicksInAll, job.Done, 0.01)
	require.InDelta(t, 1500, job.Limit.Events, 0)
	require.True(t, job.Limit.Adaptive)
	for path, want := range map[string]string{
		"/healthz": "ok: " + job.Name + ": running", "/readyz": "ok: " + job.Name + ": running", "/metrics": `records_in_total{`, "/chart.svg": "<svg", "/": "<html",
	} {
		require.Contains(t, string(ask(t, http.MethodGet, page+path, "")), want, path)
	}
	run.exec(t, fmt.Sprintf(`CREATE FUNCTION %[1]s.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
CREATE TRIGGER slow BEFORE INSERT ON %[1]s.sessions_v2 FOR EACH STATEMENT EXECUTE FUNCTION %[1]s.slow()`, run.schema()))
	status.until(t, page, func() bool {
		l := status.Jobs[0].Limit
		return l.Present > 0 && l.Present < l.Events && strings.HasPrefix(l.Why, "lowered: writes take longer")
	})
	t.Logf("a slow database: %+v", status.Jobs[0].Limit)
	p.kill(t)
	run.exec(t, "DROP FUNCTION "+run.table("slow")+" CASCADE")

	p = start(t, append(replay, "--rate", "500", "--http-keep")...)
	page = pageOf(t, p)
	status.until(t, page, func() bool { return status.Jobs[0].State == "running" && status.Jobs[0].Remaining > 0 })
	require.Less(t, status.Jobs[0].Done, 0.9)
	require.InDelta(t, 500, status.Jobs[0].Limit.Present, 0)
	for body, code := range map[string]int{`{"job":"nobody","events":1}`: 404, `{"job":"` + log.topic + `-v2","events":-1}`: 400, `fast`: 400} {
		resp, err := http.Post(page+"/api/limit", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, code, resp.StatusCode, body)
	}
	before := time.Now()
	ask(t, http.MethodPost, page+"/api/limit", `{"job":"`+log.topic+`-v2","events":0}`)
	status.until(t, page, func() bool { return status.Jobs[0].State == "finished" })
	t.Logf("without the limit it ended after %s", time.Since(before))
	require.InDelta(t, 1, status.Jobs[0].Done, 0)
	require.Contains(t, string(ask(t, http.MethodGet, page+"/readyz", "")), "finished")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	<-p.read
	require.NoError(t, p.cmd.Wait(), p.text)
	exactRows(t, func(table string) [][]string { return run.rows(t, table) }, "_v2", wantSessions(t, "ecom-sessions-15m.csv.gz"), 15)
}
