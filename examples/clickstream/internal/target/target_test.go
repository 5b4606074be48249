package target

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Target{
		"sqlite:data/x.db":                     {Kind: "sqlite", Path: "data/x.db", Reader: "sessions"},
		"sqlite:x.db?table=s2":                 {Kind: "sqlite", Path: "x.db", Reader: "s2"},
		"postgres://u@h/d":                     {Kind: "postgres", Path: "postgres://u@h/d", Reader: "sessions"},
		"postgresql://u@h/d?sslmode=x&table=t": {Kind: "postgres", Path: "postgresql://u@h/d?sslmode=x", Reader: "t"},
		"postgres://u@h/d?table=web.t":         {Kind: "postgres", Path: "postgres://u@h/d", Reader: "web.t"},
		"csv:a.csv":                            {Kind: "csv", Path: "a.csv", Reader: "sessions"},
		"csv:out/{version}/a-{version}.csv":    {Kind: "csv", Path: "out/v1/a-v1.csv", Reader: "sessions"},
		"jsonl:/b.jsonl":                       {Kind: "jsonl", Path: "/b.jsonl", Reader: "sessions"},
		"parquet:out":                          {Kind: "parquet", Path: "out", Reader: "sessions"},
		"csv:out/":                             {Kind: "csv/", Path: "out/", Reader: "sessions"},
		"jsonl:/a/b/":                          {Kind: "jsonl/", Path: "/a/b/", Reader: "sessions"},
		"s3://b-1-2/p/?format=csv":             {Kind: "s3", Path: "s3://b-1-2/p/?format=csv", Reader: "sessions"},
		"kafka:topic":                          {Kind: "kafka", Path: "topic", Reader: "sessions"},
		"kafka:topic?exactly-once":             {Kind: "kafka", Path: "topic", Reader: "sessions", Exact: true},
		"print:":                               {Kind: "print", Path: "", Reader: "sessions"},
	} {
		got, err := Parse(text, "sessions", FirstVersion)
		require.NoError(t, err)
		want.Version = FirstVersion
		if want.Result = want.Reader; !got.Database() {
			want.Result = strings.TrimSuffix(text, exactlyOnce)
		}
		require.Equal(t, want, got)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x.db":                              "use sqlite:PATH",
		"s9:x":                              "use sqlite:PATH",
		"sqlite:":                           "no path",
		"sqlite:x?tabel=y":                  "parameter tabel is not known",
		`sqlite:x?table=a"b`:                "table",
		"sqlite:x?table=a.b":                "table",
		"sqlite:x?table=sessions_v2":        "say table=sessions",
		"postgres://u@h/d?table=a.b.c":      "table",
		"postgres://u@h/d?table=a;drop":     "",
		"postgres://u:se%zzcret@h/d":        "not a URL",
		"kafka:":                            "no path",
		"kafka:?exactly-once":               "no path",
		"kafka:t-{version}?atomic":          "takes ?exactly-once only",
		"parquet:":                          "no path",
		"s3://b-1-2/p?format=xml":           "use parquet, csv, jsonl",
		"s3://b-1-2/p?tabel=x":              "parameter tabel is not known",
		"s3://b-1-2/a/../../c":              "would lead elsewhere",
		"s3://u:secret@b-1-2/a":             "holds credentials",
		"s3://B_/a":                         "bucket",
		"kafka:results":                     "as kafka:results-{version}",
		"print:x":                           "nothing behind it",
		"mysql://root:secret@h/d?table=abc": "use sqlite:PATH",
		"sqlite:x?table=a23456789012345678901234567890123456789012345678901234567890123": "63 bytes",
	} {
		_, err := Parse(text, "sessions", "v2")
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "cret@")
	}
	_, err := Parse("sqlite:x", "sessions", `v2"`)
	require.ErrorContains(t, err, "version name")
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string][3]string{
		"csv:a/b.csv":                     {"a/b.csv", "a/b-metrics.csv", "a/b-metrics.csv"},
		"jsonl:{version}":                 {"v2", "v2-metrics", "v2-metrics"},
		"kafka:t-{version}":               {"t-v2", "t-v2-metrics", "topic t-v2-metrics"},
		"kafka:t-{version}?exactly-once":  {"t-v2", "t-v2-metrics", "topic t-v2-metrics, exactly once"},
		"sqlite:x.db":                     {"sessions_v2", "session_metrics_v2", "table session_metrics_v2 of x.db"},
		"sqlite:x.db?table=web":           {"web_v2", "web_metrics_v2", "table web_metrics_v2 of x.db"},
		"postgres://u:secret@h/":          {"sessions_v2", "session_metrics_v2", "table session_metrics_v2 of postgres://u:***@h/"},
		"postgres://h/?table=a.sessions":  {"a.sessions_v2", "a.session_metrics_v2", "table a.session_metrics_v2 of postgres://h/"},
		"parquet:a":                       {"a/sessions/v2", "a/session_metrics/v2", "a/session_metrics/v2"},
		"csv:/a/":                         {"/a/sessions/v2", "/a/session_metrics/v2", "/a/session_metrics/v2"},
		"s3://b-1-2/p/?endpoint=http://h": {"s3://b-1-2/p/sessions/v2", "s3://b-1-2/p/session_metrics/v2", "s3://b-1-2/p/session_metrics/v2"},
		"s3://b-1-2":                      {"s3://b-1-2/sessions/v2", "s3://b-1-2/session_metrics/v2", "s3://b-1-2/session_metrics/v2"},
		"print:":                          {"", "", "standard output"},
	} {
		s, err := Parse(text, "sessions", "v2")
		require.NoError(t, err)
		m, err := s.Beside("metrics")
		require.NoError(t, err)
		require.Equal(t, want, [3]string{s.Place(), m.Place(), m.String()})
		require.Equal(t, s.Database(), s.Table() != "")
	}
}

func TestFresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.csv")
	s, err := Parse("csv:"+path, "sessions", "v1")
	require.NoError(t, err)
	require.NoError(t, s.Fresh())
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	require.ErrorContains(t, s.Fresh(), "never overwritten")
	require.Equal(t, path+".inprogress", s.Hidden())
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://ann:secret@h:5/d?x=1":             "postgres://ann:***@h:5/d?x=1",
		"at postgres://:secret@h/ and http://h/a:b@c": "at postgres://:***@h/ and http://h/a:b@c",
		"postgres://h/d?password=secret&x=1":          "postgres://h/d?password=***&x=1",
		"host=h Password=secret user=ann":             "host=h Password=*** user=ann",
		"nothing to hide":                             "nothing to hide",
	} {
		require.Equal(t, want, Redact(text))
	}
}
