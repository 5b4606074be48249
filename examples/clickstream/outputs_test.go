package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/window"
)

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]target{
		"sqlite:data/x.db":                     {"sqlite", "data/x.db", "sessions_v1"},
		"sqlite:x.db?table=s2":                 {"sqlite", "x.db", "s2"},
		"postgres://u@h/d":                     {"postgres", "postgres://u@h/d", "sessions_v1"},
		"postgresql://u@h/d?sslmode=x&table=t": {"postgres", "postgresql://u@h/d?sslmode=x", "t"},
		"postgres://u@h/d?table=web.t":         {"postgres", "postgres://u@h/d", "web.t"},
		"csv:a.csv":                            {kind: "csv", path: "a.csv"},
		"jsonl:/b.jsonl":                       {kind: "jsonl", path: "/b.jsonl"},
		"kafka:topic":                          {kind: "kafka", path: "topic"},
		"print:":                               {kind: "print"},
	} {
		got, err := parseTarget(text, sessionsTable)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x.db":                              "use sqlite:PATH",
		"sqlite:":                           "no path",
		"sqlite:x?tabel=y":                  "parameter tabel is not known",
		`sqlite:x?table=a"b`:                "table",
		"sqlite:x?table=a.b":                "table",
		"postgres://u@h/d?table=a.b.c":      "table",
		"postgres://u@h/d?table=a;drop":     "",
		"postgres://u:se%zzcret@h/d":        "not a URL",
		"kafka:":                            "no path",
		"print:x":                           "nothing behind it",
		"mysql://root:secret@h/d?table=abc": "use sqlite:PATH",
	} {
		_, err := parseTarget(text, sessionsTable)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "cret@")
	}
}

func TestMetricsBesideSessions(t *testing.T) {
	for text, want := range map[string]string{
		"csv:a/b.csv":            "a/b-metrics.csv",
		"jsonl:plain":            "plain-metrics",
		"kafka:t":                "topic t-metrics",
		"sqlite:x.db":            "table session_metrics of x.db",
		"postgres://u:secret@h/": "table session_metrics of postgres://u:***@h/",
		"print:":                 "standard output",
	} {
		s, err := parseTarget(text, sessionsTable)
		require.NoError(t, err)
		m, err := s.metrics(metricsTable)
		require.NoError(t, err)
		require.Equal(t, want, m.String())
	}
	s, err := parseTarget("sqlite:x.db?table=session_metrics", sessionsTable)
	require.NoError(t, err)
	_, err = s.metrics(metricsTable)
	require.ErrorContains(t, err, "--metrics-table")
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://ann:secret@h:5/d?x=1":             "postgres://ann:***@h:5/d?x=1",
		"at postgres://:secret@h/ and http://h/a:b@c": "at postgres://:***@h/ and http://h/a:b@c",
		"postgres://h/d?password=secret&x=1":          "postgres://h/d?password=***&x=1",
		"host=h Password=secret user=ann":             "host=h Password=*** user=ann",
		"nothing to hide":                             "nothing to hide",
	} {
		require.Equal(t, want, redact(text))
	}
}

func TestQuote(t *testing.T) {
	require.Equal(t, "--sink=csv:a/b.csv", quote("--sink=csv:a/b.csv"))
	require.Equal(t, `'sqlite:a?table=it'\''s'`, quote("sqlite:a?table=it's"))
}

func TestHourlyMetrics(t *testing.T) {
	var m HourlyMetrics
	abandoned := Session{DurationMs: 100, AddToCarts: 2, Abandoned: 1}
	bought := Session{DurationMs: 300, AddToCarts: 1, Checkouts: 1}
	sum := m.Merge(m.Add(m.New(), abandoned), m.Add(m.Add(m.New(), bought), Session{DurationMs: 200}))
	require.Equal(t, HourMetrics{WindowStart: 7, Sessions: 3, WithCart: 2, Abandoned: 1, AbandonmentRate: 0.5, MeanDurationMs: 200}, m.Result(struct{}{}, window.TimeWindow{Start: 7}, sum))
	require.Equal(t, totals{sessions: 1, durationMs: 200}, m.Retract(m.Retract(sum, abandoned), bought))
	require.Equal(t, HourMetrics{}, m.Result(struct{}{}, window.TimeWindow{}, m.New()))

	code := m.Codec()
	b, err := code.Append([]byte("x"), sum)
	require.NoError(t, err)
	back, err := code.Decode(b[1:])
	require.NoError(t, err)
	require.Equal(t, sum, back)
	for i := range len(b) - 1 {
		_, err := code.Decode(b[1 : 1+i])
		require.Error(t, err)
	}
	_, err = code.Decode(append(b[1:], 0))
	require.Error(t, err)
}
