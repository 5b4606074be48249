package elastic_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/elastic"
	"github.com/millrace/millrace/sink/version"
)

// onDocument has the fake answer for the catalog's document: method says to which method.
func onDocument(f *fake, method string, status int, body string) {
	f.on(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/millrace-versions/_doc/"):
			return false
		case r.Method == method:
			answer(w, status, json.RawMessage(body))
		default:
			answer(w, http.StatusNotFound, json.RawMessage(`{"found":false}`))
		}
		return true
	})
}

func TestCatalogGivesUpAfterManyConflicts(t *testing.T) {
	f := newFake(t)
	onDocument(f, http.MethodPut, http.StatusConflict, `{"error":{"type":"version_conflict_engine_exception","reason":"another was faster"}}`)
	c, err := elastic.Versions([]string{f.URL}, "sessions")
	require.NoError(t, err)
	_, err = c.Create(t.Context(), version.Version{Name: "v1", Tables: map[string]string{"sessions": "sessions_v1"}})
	require.ErrorIs(t, err, version.ErrBusy)
	require.Equal(t, 20, f.called("PUT /millrace-versions/_doc/versions"))
	require.NoError(t, c.Close())
}

func TestCatalogOfAnotherFormat(t *testing.T) {
	f := newFake(t)
	onDocument(f, http.MethodGet, http.StatusOK, `{"_seq_no":3,"_primary_term":1,"_source":{"format":"millrace-versions/9","results":{}}}`)
	c, err := elastic.Versions([]string{f.URL}, "sessions")
	require.NoError(t, err)
	_, err = c.List(t.Context())
	require.ErrorContains(t, err, `has the format "millrace-versions/9", known is "millrace-versions/1"`)
	require.NoError(t, c.Close())
}
