package target

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/table"
)

func TestElastic(t *testing.T) {
	s, err := Parse("elastic:http://u:secret@a:9200,https://b:9200/es?index=web-sessions&ca=my%20ca.pem", "sessions", "v2")
	require.NoError(t, err)
	require.Equal(t, "web-sessions_v2", s.Place())
	m, err := s.Beside("metrics")
	require.NoError(t, err)
	require.Equal(t, "table web-session_metrics_v2 of http://u:***@a:9200,https://b:9200/es?ca=my+ca.pem", m.String())
	urls, opts := elasticServers(m.Path)
	require.Equal(t, []string{"http://u:secret@a:9200", "https://b:9200/es"}, urls)
	require.Len(t, opts, 1)
	to := Open(m, Rows[string]{Columns: table.Of(table.Key(table.Text("a", func(s string) string { return s })))}, Env{Out: &bytes.Buffer{}})
	require.Equal(t, "elastic index=web-session_metrics_v2", to.String())
	s.Path = "http://localhost:9200"
	c, err := s.Catalog(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, c.Close())

	s, err = Parse("elastic:http://localhost:9200", "sessions", FirstVersion)
	require.NoError(t, err)
	require.Equal(t, "sessions_v1", s.Place())
	for text, want := range map[string]string{
		"elastic:":                             "no path",
		"elastic:http://u:secret@h?index=S":    "lower-case letters",
		"elastic:http://u:secret@h?index=a,b":  "lower-case letters",
		"elastic:http://u:secret@h?table=x":    "parameter table is not known",
		"elastic:http://u:secret@h?index=s_v1": "say table=s",
	} {
		_, err := Parse(text, "sessions", FirstVersion)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}
