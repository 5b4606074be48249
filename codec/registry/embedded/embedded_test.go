package embedded_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"go.uber.org/goleak"

	"github.com/millrace/millrace/codec/registry/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, dir string) *embedded.Registry {
	t.Helper()
	r, err := embedded.Start(dir)
	require.NoError(t, err)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, r.Close())
	})
	return r
}

// ask sends a request and returns the answer, compact.
func ask(t *testing.T, r *embedded.Registry, method, path string, body any) (status int, answer string) {
	t.Helper()
	b, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL()+path, bytes.NewReader(b))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func schema(fields string, references ...sr.SchemaReference) sr.Schema {
	return sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message M {` + fields + `}`, References: references}
}

// TestInterface walks through the interface as tools see it.
func TestInterface(t *testing.T) {
	r := start(t, "")
	const v1, v2, bad = "string a = 1;", "string a = 1; int32 b = 2;", "int32 a = 1;"
	text := func(fields string) string {
		b, err := json.Marshal(schema(fields).Schema)
		require.NoError(t, err)
		return string(b)
	}
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		want         string
	}{
		{"GET", "/", nil, 200, `{}`},
		{"GET", "/mode", nil, 200, `{"mode":"READWRITE"}`},
		{"GET", "/schemas/types", nil, 200, `["PROTOBUF"]`},
		{"GET", "/subjects", nil, 200, `[]`},
		{"GET", "/subjects/a%2Fb/versions", nil, 404, `{"error_code":40401,"message":"Subject 'a/b' not found."}`},
		{"POST", "/subjects/a%2Fb", schema(v1), 404, `{"error_code":40401,"message":"Subject 'a/b' not found."}`},
		{"POST", "/subjects/a%2Fb/versions", schema(v1), 200, `{"id":1}`},
		{"POST", "/subjects/a%2Fb/versions", schema(" " + v1), 200, `{"id":1}`},
		{"POST", "/subjects/c/versions", schema(v2), 200, `{"id":2}`},
		{"POST", "/subjects/c/versions", schema(v1), 409, ""},
		{"POST", "/compatibility/subjects/a%2Fb/versions/latest", schema(v2), 200, `{"is_compatible":true,"messages":[]}`},
		{"POST", "/compatibility/subjects/a%2Fb/versions/9", schema(v2), 404, `{"error_code":40402,"message":"Version 9 not found."}`},
		{"POST", "/subjects/a%2Fb/versions", schema(v2), 200, `{"id":2}`},
		{"POST", "/subjects/a%2Fb/versions", schema(bad), 409, ""},
		{"POST", "/subjects/a%2Fb", schema(v2), 200, `{"subject":"a/b","version":2,"id":2,"schema":` + text(v2) + `,"schemaType":"PROTOBUF"}`},
		{"POST", "/subjects/a%2Fb", schema(bad), 404, `{"error_code":40403,"message":"Schema not found"}`},
		{"GET", "/subjects/a%2Fb/versions", nil, 200, `[1,2]`},
		{"GET", "/subjects/a%2Fb/versions/1", nil, 200, `{"subject":"a/b","version":1,"id":1,"schema":` + text(v1) + `,"schemaType":"PROTOBUF"}`},
		{"GET", "/subjects/a%2Fb/versions/latest/schema", nil, 200, text(v2)},
		{"GET", "/subjects/a%2Fb/versions/0", nil, 422, `{"error_code":42202,"message":"The specified version '0' is not a valid version id: use a number from 1, or latest."}`},
		{"GET", "/subjects/a%2Fb/versions/3", nil, 404, `{"error_code":40402,"message":"Version 3 not found."}`},
		{"GET", "/subjects", nil, 200, `["a/b","c"]`},
		{"GET", "/schemas/ids/2", nil, 200, `{"schema":` + text(v2) + `,"schemaType":"PROTOBUF"}`},
		{"GET", "/schemas/ids/2/schema", nil, 200, text(v2)},
		{"GET", "/schemas/ids/2/versions", nil, 200, `[{"subject":"c","version":1},{"subject":"a/b","version":2}]`},
		{"GET", "/schemas/ids/7", nil, 404, `{"error_code":40403,"message":"Schema 7 not found"}`},
		{"POST", "/subjects/d/versions", schema("strin a = 1;"), 422, ""},
		{"POST", "/subjects/d/versions", "no", 422, ""},
		{"POST", "/subjects/d/versions", sr.Schema{Schema: `{"type":"string"}`}, 422, `{"error_code":42201,"message":"This registry takes schemas of type PROTOBUF, not AVRO"}`},
		{"POST", "/subjects/d/versions", schema(v1, sr.SchemaReference{Name: "x.proto", Subject: "x", Version: 1}), 422, `{"error_code":42201,"message":"Invalid schema: it refers to subject x version 1, which does not exist"}`},

		{"GET", "/config", nil, 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"GET", "/config/c", nil, 404, ""},
		{"GET", "/config/c?defaultToGlobal=true", nil, 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"PUT", "/config/c", map[string]string{"compatibility": "NONE"}, 200, `{"compatibility":"NONE"}`},
		{"GET", "/config/c", nil, 200, `{"compatibilityLevel":"NONE"}`},
		{"PUT", "/config", map[string]string{"compatibility": "SOME"}, 422, ""},
		{"PUT", "/config", map[string]string{}, 422, ""},
		{"POST", "/compatibility/subjects/c/versions", schema(bad), 200, `{"is_compatible":true,"messages":[]}`},
		{"POST", "/subjects/c/versions", schema(bad), 200, `{"id":3}`},
		{"DELETE", "/config/c", nil, 200, `{"compatibility":"NONE"}`},
		{"PUT", "/config", map[string]string{"compatibility": "FULL_TRANSITIVE"}, 200, `{"compatibility":"FULL_TRANSITIVE"}`},
		{"GET", "/config", nil, 200, `{"compatibilityLevel":"FULL_TRANSITIVE"}`},
		{"DELETE", "/subjects/c", nil, 405, "Method Not Allowed"},
		{"GET", "/nothing", nil, 404, "404 page not found"},
	} {
		status, got := ask(t, r, c.method, c.path, c.body)
		require.Equal(t, c.status, status, "%s %s: %s", c.method, c.path, got)
		if c.want != "" {
			require.Equal(t, c.want, got, "%s %s", c.method, c.path)
		}
	}
}

// TestLevels registers two versions and tries a third, under each level.
func TestLevels(t *testing.T) {
	const one, two = "int32 a = 1; string k = 9;", `reserved 1; reserved "a"; string k = 9;`
	for level, want := range map[string]map[string]int{ // the answer to a third version
		"NONE":                {"bytes a = 1; string k = 9;": 200, "bytes k = 9;": 200, "string k = 9;": 200},
		"BACKWARD":            {two + "bytes b = 2;": 200, `reserved 1; reserved "a"; bytes k = 9;`: 200, `reserved 1; reserved "a"; int32 k = 9;`: 409},
		"FORWARD":             {two + "bytes b = 2;": 200, `reserved 1; reserved "a"; bytes k = 9;`: 409},
		"FULL":                {two + "bytes b = 2;": 200, `reserved 1; reserved "a"; bytes k = 9;`: 409},
		"BACKWARD_TRANSITIVE": {two + "bytes b = 2;": 200, "string a = 1; string k = 9;": 409},
		"FORWARD_TRANSITIVE":  {two + "bytes b = 2;": 200, `reserved 1; reserved "a"; repeated string k = 9;`: 409},
		"FULL_TRANSITIVE":     {two + "bytes b = 2;": 200, `reserved 1; reserved "a"; bytes k = 9;`: 409},
	} {
		for third, status := range want {
			r := start(t, "")
			_, _ = ask(t, r, "PUT", "/config", map[string]string{"compatibility": level})
			for _, fields := range []string{one, two} {
				got, text := ask(t, r, "POST", "/subjects/s/versions", schema(fields))
				require.Equal(t, 200, got, text)
			}
			_, answer := ask(t, r, "POST", "/compatibility/subjects/s/versions", schema(third))
			require.Equal(t, status == 200, strings.Contains(answer, `"is_compatible":true`), "%s: %s: %s", level, third, answer)
			got, answer := ask(t, r, "POST", "/subjects/s/versions", schema(third))
			require.Equal(t, status, got, "%s: %s: %s", level, third, answer)
		}
	}
}

// TestDirectory keeps what was registered, for later and for several at once.
func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	a, b := start(t, dir), start(t, dir)
	var all sync.WaitGroup
	for i := range 8 {
		for j, r := range []*embedded.Registry{a, b} {
			all.Go(func() {
				body, err := json.Marshal(schema(fmt.Sprintf("int32 f%d = %d;", i, i+1)))
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := http.Post(fmt.Sprintf("%s/subjects/s%d-%d/versions", r.URL(), i, j), "application/json", bytes.NewReader(body))
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Error(resp, err)
				}
				if err == nil {
					_ = resp.Body.Close()
				}
			})
		}
	}
	all.Wait()
	_, subjects := ask(t, a, "GET", "/subjects", nil)
	require.Equal(t, 16, strings.Count(subjects, "s")-0, subjects)
	c := start(t, dir)
	_, again := ask(t, c, "GET", "/subjects", nil)
	require.Equal(t, subjects, again)
	ids := map[string]int{}
	for i := range 8 {
		_, one := ask(t, c, "GET", fmt.Sprintf("/subjects/s%d-0/versions/1", i), nil)
		_, two := ask(t, c, "GET", fmt.Sprintf("/subjects/s%d-1/versions/1", i), nil)
		var x, y sr.SubjectSchema
		require.NoError(t, json.Unmarshal([]byte(one), &x))
		require.NoError(t, json.Unmarshal([]byte(two), &y))
		require.Equal(t, x.ID, y.ID, "the same text has the same id")
		ids[x.Schema.Schema] = x.ID
	}
	require.Len(t, ids, 8)
}

func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "schemas.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o644))
	_, err := embedded.Start(dir)
	require.ErrorContains(t, err, path)
	_, err = embedded.Start(filepath.Join(path, "below"))
	require.Error(t, err)
}

func TestCloseTwice(t *testing.T) {
	r, err := embedded.Start("")
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
}
