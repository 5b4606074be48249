package web_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/web"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

type click struct {
	User string `json:"user"`
	At   int64  `json:"at"`
}

type length struct{ held chan struct{} }

func (l length) Process(_ *stream.Context, p stream.Pane[string, click], out *stream.Collector[int]) error {
	if l.held != nil {
		<-l.held
	}
	out.Emit(len(p.Elements))
	return nil
}

// sessionsJob puts clicks into sessions by user, and counts them by the second. A session that closes waits until held is closed.
func sessionsJob(log *memory.Live[click], held chan struct{}) *stream.Job {
	j := stream.NewJob("sessions", stream.Logger(slog.New(slog.DiscardHandler)))
	in := stream.From(j, "clicks", log.WithCodec(codec.JSON[click](1)), watermark.Monotonous(func(c click) time.Time { return time.UnixMilli(c.At) }))
	byUser := stream.KeyBy(in, func(c click) string { return c.User })
	stream.To(stream.Process(stream.Window(byUser, window.EventTimeSession(time.Minute)), "by user", length{held}), "lengths", &sinkmemory.List[int]{})
	bySecond := stream.KeyBy(in, func(c click) int64 { return c.At / 1000 })
	first := stream.Reduce(stream.Window(bySecond, window.Tumbling(time.Hour)), "seconds", func(a, _ click) click { return a })
	stream.To(first, "firsts", &sinkmemory.List[click]{})
	return j
}

// asked is a page of a running job that has seen some clicks.
func asked(t *testing.T, held chan struct{}) (p web.Page, log *memory.Live[click], stop func()) {
	t.Helper()
	log = memory.NewLive[click](1)
	j := sessionsJob(log, held)
	r := progress.New("live", j)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	require.NoError(t, log.Append(0, click{"ada", 1000}, click{"b/b?", 1500}, click{"ada", 2000}))
	p = web.Page{Jobs: []web.Job{{Recorder: r, Job: j, States: j}}}
	require.Eventually(t, func() bool { return j.Count("records_in") == 9 }, 10*time.Second, time.Millisecond)
	return p, log, func() { cancel(); require.NoError(t, <-ended) }
}

func TestStateOfARunningJob(t *testing.T) {
	p, _, stop := asked(t, nil)
	var all []struct {
		Job       string
		Operators []stream.Queryable
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, p, "/api/state")), &all))
	require.Len(t, all, 1)
	require.Equal(t, "live", all[0].Job)
	require.Equal(t, []stream.StateCell{{Name: "windows", Codec: "windows/1<list<json:web_test.click/v1>>"}}, all[0].Operators[0].Cells)
	require.Equal(t, "int64", all[0].Operators[1].KeyCodec)

	var answer map[string]json.RawMessage
	require.Eventually(t, func() bool {
		require.NoError(t, json.Unmarshal([]byte(get(t, p, "/api/state/by%20user?key=ada&job=live")), &answer))
		return string(answer["state"]) == `{"windows":[{"start":1000,"end":62000,"records":2,"contents":[{"user":"ada","at":1000},{"user":"ada","at":2000}]}]}`
	}, 10*time.Second, time.Millisecond, "%s", answer)
	for field, want := range map[string]string{"job": `"live"`, "operator": `"by user"`, "key": `"ada"`, "committed": "false", "event_timer": "61999"} {
		require.Equal(t, want, string(answer[field]), field)
	}
	require.JSONEq(t, `[{"start":1500,"end":61500,"records":1,"contents":[{"user":"b/b?","at":1500}]}]`, get(t, p, "/api/state/by%20user/windows?key=b/b%3F"))
	require.JSONEq(t, `[{"start":0,"end":3600000,"records":1,"contents":{"user":"ada","at":2000}}]`, get(t, p, "/api/state/seconds/windows?key=2"))
	require.JSONEq(t, get(t, p, "/api/state/seconds/windows?key=2"), get(t, p, "/api/state/seconds/windows?key=0x8000000000000002"))
	own := p
	own.Jobs = []web.Job{p.Jobs[0]}
	own.Jobs[0].Codecs = inspect.Codecs{"json:web_test.click/v1": func([]byte) (json.RawMessage, error) { return json.RawMessage(`"a click"`), nil }}
	require.Contains(t, get(t, own, "/api/state/by%20user?key=ada"), `"contents":["a click","a click"]`)

	for path, want := range map[string]struct {
		code int
		text string
	}{
		"/api/state/by%20user":                    {400, "say which key"},
		"/api/state/by%20user?key=0xz":            {400, "hex"},
		"/api/state/seconds?key=ada":              {400, "whole numbers"},
		"/api/state/by%20user?key=ada&timeout=1":  {400, "is not a time such as 500ms, up to 20s"},
		"/api/state/by%20user?key=ada&timeout=1h": {400, "up to 20s"},
		"/api/state/clicks?key=ada":               {404, `no job here has an operator "clicks" with state`},
		"/api/state/by%20user?key=ada&job=replay": {404, "no job here has"},
		"/api/state/by%20user?key=eve":            {404, `has no state of key "eve"`},
		"/api/state/by%20user/timers?key=ada":     {404, `has no state "timers"; it has [{windows`},
	} {
		w := call(t, p, http.MethodGet, path, "")
		require.Equal(t, want.code, w.Code, path)
		require.Contains(t, w.Body.String(), want.text, path)
	}
	require.Equal(t, http.StatusMisdirectedRequest, call(t, p, http.MethodGet, "/api/state/by%20user?key=ada", "", "Host", "evil.example").Code)

	stop()
	w := call(t, p, http.MethodGet, "/api/state/by%20user?key=ada", "")
	require.Equal(t, http.StatusConflict, w.Code)
	require.Contains(t, w.Body.String(), "the job is not running")
	none := p
	none.Jobs = []web.Job{{Recorder: p.Jobs[0].Recorder}}
	require.JSONEq(t, "[]", get(t, none, "/api/state"))
	require.Equal(t, http.StatusNotFound, call(t, none, http.MethodGet, "/api/state/by%20user?key=ada", "").Code)
}

// A task that is held up answers nobody: the request ends with its timeout, and is to be tried again.
func TestStateOfABlockedTask(t *testing.T) {
	held := make(chan struct{})
	p, log, stop := asked(t, held)
	require.NoError(t, log.Append(0, click{"ada", 500_000}))
	require.Eventually(t, func() bool {
		w := call(t, p, http.MethodGet, "/api/state/by%20user?key=ada&timeout=20ms", "")
		return w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "1"
	}, 10*time.Second, time.Millisecond)
	close(held)
	require.Contains(t, get(t, p, "/api/state/by%20user?key=ada"), `"start":500000`)
	stop()
}
