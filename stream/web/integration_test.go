//go:build integration

package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/web"
)

// following starts a job that has read 100,000 numbers and goes on with a few more ten times a second, and serves its page.
func following(t *testing.T) (url string, r *progress.Recorder) {
	t.Helper()
	log := memory.NewLive[int](2)
	l := limit.New(limit.Rate{Events: 500_000})
	j := numbersJob(log, 0, stream.RateLimit(l), stream.CheckpointEvery(time.Second))
	r = progress.New("replay <v2>", j, progress.Interval(100*time.Millisecond))
	ctx, stop := context.WithCancel(context.Background())
	ended, fed := make(chan error, 1), make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	go func() {
		err := log.Append(0, upTo(100_000)...)
		for err == nil && ctx.Err() == nil {
			err = log.Append(1, upTo(50)...)
			time.Sleep(100 * time.Millisecond)
		}
		fed <- err
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, <-fed)
	})
	require.Eventually(t, func() bool { return r.Now().Events > 100_000 }, 20*time.Second, 50*time.Millisecond)
	return serve(t, web.Page{Jobs: []web.Job{{Recorder: r, Job: j, Limit: l, Follows: true}}}), r
}

// A real Prometheus scrapes the job, and answers with the value that the job has.
func TestPrometheus(t *testing.T) {
	server := ondemand.Need(t, "prometheus")
	page, r := following(t)
	address := strings.TrimSuffix(strings.TrimPrefix(page, "http://"), "/")
	targets := fmt.Sprintf(`[{"targets": [%q], "labels": {"test": "page"}}]`, address)
	file := filepath.Join(server["targets"], "page.json")
	require.NoError(t, os.WriteFile(file, []byte(targets), 0o644))
	t.Cleanup(func() { require.NoError(t, os.Remove(file)) })
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	query := func(q string) (value float64, found bool) {
		resp, err := client.Get(server["url"] + "/api/v1/query?query=" + url.QueryEscape(q))
		require.NoError(t, err)
		defer resp.Body.Close()
		var answer struct {
			Data struct {
				Result []struct{ Value [2]json.RawMessage }
			}
		}
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
		if len(answer.Data.Result) != 1 {
			return 0, false
		}
		_, err = fmt.Sscanf(strings.Trim(string(answer.Data.Result[0].Value[1]), `"`), "%g", &value)
		require.NoError(t, err)
		return value, true
	}
	before := float64(r.Now().Events)
	require.Eventually(t, func() bool {
		v, ok := query(`millrace_records_in_total{test="page",job_name="replay <v2>",operator="numbers"}`)
		return ok && v >= before && v <= float64(r.Now().Events)+1000
	}, 20*time.Second, 200*time.Millisecond, "the counter is what the job has counted")
	up, ok := query(`up{test="page"}`)
	require.True(t, ok)
	require.InDelta(t, 1, up, 0)
	require.Eventually(t, func() bool {
		v, ok := query(`rate(millrace_records_in_total{test="page",operator="numbers"}[4s])`)
		return ok && v > 250 && v < 1000
	}, 20*time.Second, 500*time.Millisecond, "about 500 a second are appended")
	mean, ok := query(`histogram_quantile(0.5, sum by (le) (rate(millrace_sink_write_seconds_bucket{test="page"}[10s])))`)
	require.True(t, ok)
	require.Positive(t, mean)
}

// A real browser draws the page, complains of nothing, and sees the job's numbers.
func TestChromium(t *testing.T) {
	browser := ondemand.Need(t, "chromium")["path"]
	page, r := following(t)
	require.Eventually(t, func() bool {
		known := 0
		for _, p := range r.History().Points {
			if p.Live > 0 {
				known++
			}
		}
		return known > 5
	}, 20*time.Second, 50*time.Millisecond, "the rate of the log is known long enough to be drawn")
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			args := []string{
				"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
				"--user-data-dir=" + t.TempDir(), "--enable-logging=stderr", "--window-size=1400,1800", "--virtual-time-budget=5000",
			}
			if theme == "dark" {
				args = append(args, "--force-dark-mode")
			}
			cmd := exec.CommandContext(ctx, browser, append(args, "--dump-dom", page)...)
			var dom, log bytes.Buffer
			cmd.Stdout, cmd.Stderr = &dom, &log
			require.NoError(t, cmd.Run(), log.String())
			require.NotContains(t, log.String(), "CONSOLE", "the page's scripts write nothing; an error or a breach of its policy would")
			for what, pattern := range map[string]string{
				"the job's name":       `<h1 id="title">replay &lt;v2&gt;</h1>`,
				"its state":            `class="state good">running<`,
				"the bar":              `id="percent">100 % of the log<`,
				"a split":              `>memory/1</td>`,
				"a task":               `>numbers / 0</span>`,
				"the sink":             `>list</td>`,
				"the graph":            `class="name"[^>]*>even</text>`,
				"the limit":            `500 k events/s`,
				"the throughput drawn": `id="throughput"[^>]*>\s*<div[^>]*class="uplot`,
				"the live rate":        `live rate \(growth of the log\)`,
				"the shares":           `id="shares"[^>]*>\s*<div[^>]*class="uplot`,
				"the theme":            `data-theme="` + theme + `"`,
			} {
				require.Regexp(t, regexp.MustCompile(pattern), dom.String(), what)
			}
			require.Contains(t, dom.String(), `id="lost" class="banner" hidden`)
		})
	}
}
