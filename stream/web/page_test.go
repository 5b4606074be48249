package web_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/web"
)

var linked = regexp.MustCompile(`(?:src|href)="([^"]+)"|from '([^']+)'`)

// What the page loads is served, and nothing of it is elsewhere.
func TestPageIsSelfContained(t *testing.T) {
	p, _ := finished(t)
	w := call(t, p, http.MethodGet, "/", "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Header().Get("Content-Type"), "text/html")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe")
	seen := 0
	for _, text := range []string{w.Body.String(), get(t, p, "/app.js"), get(t, p, "/chart.js"), get(t, p, "/tables.js"), get(t, p, "/graph.js"), get(t, p, "/limit.js"), get(t, p, "/state.js")} {
		require.NotContains(t, text, "style=", "the policy forbids it")
		for _, m := range linked.FindAllStringSubmatch(text, -1) {
			path := strings.TrimPrefix(m[1]+m[2], "./")
			require.NotContains(t, path, ":")
			if path != "healthz" && path != "readyz" {
				get(t, p, "/"+path)
			}
			seen++
		}
	}
	require.Greater(t, seen, 15)
	names, err := filepath.Glob("assets/*")
	require.NoError(t, err)
	address := regexp.MustCompile(`https?://[^\s"']+`)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, url := range address.FindAllString(string(text), -1) {
			require.Contains(t, []string{"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}, url, name)
		}
	}
}

func TestStatusAndHistory(t *testing.T) {
	p, _ := finished(t)
	var status struct {
		Title string
		Jobs  []struct {
			Name, State, Alive, Ready, Plan string
			Events, Rows                    int64
			Done                            float64
			Splits                          []progress.Split
			Sinks                           []progress.Sink
			Graph                           []struct{ Name, Kind string }
			Limit                           *struct{ Events float64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, p, "/api/status")), &status))
	require.Equal(t, "Test", status.Title)
	j := status.Jobs[0]
	require.Equal(t, "finished", j.State)
	require.EqualValues(t, 1000, j.Events)
	require.EqualValues(t, 500, j.Rows)
	require.InDelta(t, 1, j.Done, 0)
	require.EqualValues(t, 1000, j.Splits[0].Position)
	require.Equal(t, "list", j.Sinks[0].Operator)
	require.Len(t, j.Graph, 3)
	require.Contains(t, j.Plan, "even")
	require.NotNil(t, j.Limit)

	var lines []struct {
		Name   string
		Here   bool
		T      []float64
		Events []*float64
		Marks  []progress.Mark
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, p, "/api/history")), &lines))
	require.Len(t, lines, 2, "the file of the job itself is not drawn again")
	require.Equal(t, "replay", lines[0].Name)
	require.True(t, lines[0].Here)
	require.Len(t, lines[0].Marks, 2)
	require.Equal(t, "live", lines[1].Name)
	require.False(t, lines[1].Here)
	require.InDelta(t, 100, *lines[1].Events[0], 0)
	require.InDeltaSlice(t, []float64{1, 3}, lines[1].T, 0)

	require.Contains(t, get(t, p, "/chart.svg"), "<svg")
	require.Equal(t, "\x89PNG", get(t, p, "/chart.png")[:4])
}

func TestLimitIsChanged(t *testing.T) {
	p, l := finished(t)
	same := []string{"Origin", "http://127.0.0.1:8081", "Sec-Fetch-Site", "same-origin"}
	w := call(t, p, http.MethodPost, "/api/limit", `{"job":"replay","events":2500,"bytes":1e6}`, same...)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.InDelta(t, 2500, l.Wanted().Events, 0)
	require.InDelta(t, 1e6, l.Wanted().Bytes, 0)
	marks := p.Jobs[0].Recorder.History().Marks
	require.Equal(t, "limit 2,500 events/s, 1.0 MB/s", marks[len(marks)-1].Note)
	for body, want := range map[string]int{
		`{"job":"replay","events":-1}`:         http.StatusBadRequest,
		`{"job":"replay","evnts":1}`:           http.StatusBadRequest,
		`{"job":"replay","events":1e999}`:      http.StatusBadRequest,
		`{"job":"nobody","events":1}`:          http.StatusNotFound,
		`{"job":"` + strings.Repeat("x", 5000): http.StatusBadRequest,
		``:                                     http.StatusBadRequest,
	} {
		require.Equal(t, want, call(t, p, http.MethodPost, "/api/limit", body, same...).Code, "%.40s", body)
	}
	for _, other := range [][]string{{"Origin", "http://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		require.Equal(t, http.StatusForbidden, call(t, p, http.MethodPost, "/api/limit", `{"job":"replay","events":1}`, other...).Code, other)
	}
	require.Equal(t, http.StatusNotFound, call(t, p, http.MethodGet, "/api/limit", "").Code)
	require.InDelta(t, 2500, l.Wanted().Events, 0)
}

// A name that somebody else's server resolves to this machine gets nothing.
func TestHosts(t *testing.T) {
	p, _ := finished(t)
	for host, want := range map[string]int{
		"127.0.0.1:8081": http.StatusOK, "localhost:8081": http.StatusOK, "LOCALHOST": http.StatusOK, "[::1]:8081": http.StatusOK, "proxy.example": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "evil.example:8081": http.StatusMisdirectedRequest, "192.168.0.7:8081": http.StatusMisdirectedRequest,
		"localhost.evil.example": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		p.Hosts = []string{"proxy.example"}
		require.Equal(t, want, call(t, p, http.MethodGet, "/api/status", "", "Host", host).Code, host)
	}
}

func TestHealth(t *testing.T) {
	p, _ := finished(t)
	require.Equal(t, "ok: replay: finished\n", get(t, p, "/healthz"))
	require.Equal(t, "ok: replay: finished\n", get(t, p, "/readyz"))
	p.Jobs = append(p.Jobs, web.Job{Recorder: progress.New("next", numbersJob(nil, 1))})
	require.Equal(t, "ok: replay: finished\nok: next: waiting\n", get(t, p, "/healthz"))
	w := call(t, p, http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "ok: replay: finished\nnot ok: next: waiting\n", w.Body.String())
}

func TestAddress(t *testing.T) {
	for addr, want := range map[string]string{
		":8081": "127.0.0.1:8081", "8081": "127.0.0.1:8081", "0.0.0.0:8081": "0.0.0.0:8081", "localhost:0": "localhost:0", "[::1]:80": "[::1]:80", "": "", "::": "", "host:": "", "a:b:c": "",
	} {
		got, err := web.Address(addr)
		require.Equal(t, want, got, addr)
		require.Equal(t, want == "", err != nil, addr)
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = web.Listen(l.Addr().String(), web.Page{})
	require.ErrorContains(t, err, "another program listens on "+l.Addr().String())
}
