package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/sink"
)

func TestRegisterIsIdempotent(t *testing.T) {
	s := serve(t)
	c := client(t, s.url)
	file := clickstreampb.File_clickstream_v1_click_event_proto
	one, err := c.Register(t.Context(), "clicks-value", file)
	require.NoError(t, err)
	two, err := client(t, s.url).RegisterText(t.Context(), "clicks-value", file, "// With a comment.\n"+registry.Text(file))
	require.NoError(t, err)
	require.Equal(t, one.String(), two.String())
	other, err := c.Register(t.Context(), "other-value", file)
	require.NoError(t, err)
	require.Equal(t, one.ID, other.ID, "the same text has the same id")
	subjects, err := c.AllSubjects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"clicks-value", "other-value"}, subjects)
	latest, err := c.Version(t.Context(), "clicks-value", registry.Latest)
	require.NoError(t, err)
	require.Equal(t, 1, latest.Version)
	_, err = c.Version(t.Context(), "clicks-value", 7)
	require.ErrorIs(t, err, registry.ErrNotFound)
	none, err := c.Versions(t.Context(), "nobody", true)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestIncompatibleIsRefusedWithReasons(t *testing.T) {
	c := client(t, serve(t).url)
	_, err := c.Register(t.Context(), "clicks-value", clickstreampb.File_clickstream_v1_click_event_proto)
	require.NoError(t, err)
	_, err = c.Register(t.Context(), "clicks-value", clickSchema(t, func(s string) string { return strings.Replace(s, "int64 event_timestamp", "string event_timestamp", 1) }))
	require.ErrorIs(t, err, registry.ErrIncompatible)
	require.ErrorContains(t, err, "clickstream.v1.ClickEvent.event_timestamp = 5: int64 -> string")
	_, err = c.Register(t.Context(), "clicks-value", clickSchema(t, func(s string) string { return strings.Replace(s, "string url = 3;", "", 1) }))
	require.ErrorContains(t, err, "add reserved 3; reserved \"url\";")
}

// TestReferences registers a file with what it imports, and reads it back.
func TestReferences(t *testing.T) {
	s := serve(t)
	c := client(t, s.url)
	text := `syntax = "proto3"; package shop; import "shop/item.proto"; import "google/protobuf/timestamp.proto"; message Order { Item item = 1; google.protobuf.Timestamp at = 2; }`
	imports := map[string]string{
		"shop/item.proto":  `syntax = "proto3"; package shop; import "shop/money.proto"; message Item { Money price = 1; }`,
		"shop/money.proto": `syntax = "proto3"; package shop; message Money { int64 cents = 1; }`,
	}
	f, err := protofile.Parse(t.Context(), "shop/order.proto", text, imports)
	require.NoError(t, err)
	registered, err := c.Register(t.Context(), "orders-value", f)
	require.NoError(t, err)
	subjects, err := c.AllSubjects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"orders-value", "shop/item.proto", "shop/money.proto"}, subjects)
	read, err := client(t, s.url).Schema(t.Context(), registered.ID)
	require.NoError(t, err)
	money := read.File.Messages().ByName("Order").Fields().ByName("item").Message().Fields().ByName("price").Message()
	require.Equal(t, "shop.Money", string(money.FullName()))

	imports["shop/money.proto"] = `syntax = "proto3"; package shop; message Money { string cents = 1; }`
	f, err = protofile.Parse(t.Context(), "shop/order.proto", text, imports)
	require.NoError(t, err)
	_, err = c.Register(t.Context(), "orders-value", f)
	require.NoError(t, err, "the file itself is the same, and refers to what is registered")
}

func TestLookupOnly(t *testing.T) {
	c := client(t, serve(t).url)
	enc := registry.NewEncoder(c, codec.Proto[clicks](), topic, registry.LookupOnly())
	_, err := enc.Append([]byte("x"), click("ann"))
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.ErrorContains(t, err, "none of the 0 versions of subject clicks-value is clickstream/v1/click_event.proto: register it first")
	require.False(t, sink.IsTemporary(err))
	_, err = registry.NewEncoder(c, codec.Proto[clicks](), topic).Prepare(t.Context())
	require.NoError(t, err)
	b, err := enc.Append([]byte("x"), click("ann"))
	require.NoError(t, err)
	require.Equal(t, byte('x'), b[0])
}

func TestEncoderSaysThatTheRegistryIsAway(t *testing.T) {
	enc := registry.NewEncoder(client(t, "http://127.0.0.1:1", registry.Timeout(50*time.Millisecond)), codec.Proto[clicks](), topic)
	b, err := enc.Append([]byte("x"), click("ann"))
	require.True(t, sink.IsTemporary(err))
	require.Equal(t, "x", string(b))
}

func TestSubjects(t *testing.T) {
	for name, want := range map[string]string{"topic": "clicks-value", "record": "clickstream.v1.ClickEvent", "topic-record": "clicks-clickstream.v1.ClickEvent"} {
		strategy, err := registry.ParseStrategy(name)
		require.NoError(t, err)
		c := client(t, serve(t).url, registry.Subjects(strategy))
		schema, err := registry.NewEncoder(c, codec.Proto[clicks](), topic).Prepare(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, schema.Subject)
	}
	_, err := registry.ParseStrategy("mine")
	require.ErrorContains(t, err, "use topic, record or topic-record")
}

// protected answers only to ann, whose password has a colon and an at sign.
func protected(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ann" || password != "s3:cret@" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode([]string{"b", "a"})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCredentials(t *testing.T) {
	url := protected(t)
	withUser := strings.Replace(url, "http://", "http://ann:s3%3Acret%40@", 1)
	list := func(url string, opts ...registry.Option) error {
		c := client(t, url, opts...)
		for _, text := range []string{c.String(), fmt.Sprintf("%v %+v %#v", c, c, c)} {
			require.NotContains(t, text, "cret")
			require.NotContains(t, text, "ann")
		}
		names, err := c.AllSubjects(t.Context())
		if err == nil {
			require.Equal(t, []string{"a", "b"}, names)
		}
		return err
	}
	require.NoError(t, list(withUser))
	require.NoError(t, list(url, registry.BasicAuth("ann", "s3:cret@")))
	err := list(strings.Replace(url, "http://", "http://ann:wrong-s3cret@", 1))
	require.ErrorContains(t, err, "refuses the user or password (HTTP 401)")
	require.NotContains(t, err.Error(), "s3cret")
	t.Setenv(registry.AuthEnv, "ann:s3:cret@")
	require.NoError(t, list(url))

	for _, wrong := range []string{"", "kafka:8081", "http://", "ftp://ann:s3cret@host", "http://ann:s3 cret@host\x7f"} {
		_, err := registry.New(wrong)
		require.ErrorContains(t, err, "http://HOST:PORT")
		require.NotContains(t, err.Error(), "cret")
	}
	_, err = registry.New(url, registry.Timeout(0))
	require.ErrorContains(t, err, "Timeout")
	_, err = registry.New(url, registry.Subjects(nil))
	require.ErrorContains(t, err, "Subjects")
}

func TestAnswersThatAreNone(t *testing.T) {
	var body string
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, "<html>", "is this the base URL of a registry?"},
		{404, "not here", "is this the base URL of a registry?"},
		{400, "no", "no (HTTP 400)"},
		{200, `{"schema":"{}"}`, "it is of type AVRO, not PROTOBUF"},
		{200, `{"schemaType":"PROTOBUF","schema":"message"}`, "schema-id-1.proto:1:8"},
		{200, strings.Repeat("x", 9<<20), "is this the base URL"},
	} {
		status, body = c.status, c.body
		_, err := client(t, s.URL).Schema(t.Context(), 1)
		require.ErrorContains(t, err, c.want)
		require.NotErrorIs(t, err, registry.ErrUnavailable)
	}
}

func TestCallerEndsTheWait(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client(t, "http://127.0.0.1:1").Schema(ctx, 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, registry.ErrUnavailable)
}

// TestSeveralURLs goes to the next where one does not answer.
func TestSeveralURLs(t *testing.T) {
	_, err := client(t, "http://127.0.0.1:1, "+serve(t).url).Register(t.Context(), "a", clickstreampb.File_clickstream_v1_click_event_proto)
	require.NoError(t, err)
}

// TestReferencesAreBounded meets schemas that refer to each other without end.
func TestReferencesAreBounded(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_ = json.NewEncoder(w).Encode(sr.SubjectSchema{Subject: "a", Version: 1, ID: 1, Schema: sr.Schema{
			Type: sr.TypeProtobuf, Schema: `syntax = "proto3";`, References: []sr.SchemaReference{{Name: fmt.Sprintf("%d.proto", n), Subject: "a", Version: 1}},
		}})
	}))
	t.Cleanup(s.Close)
	_, err := client(t, s.URL).Schema(t.Context(), 1)
	require.ErrorContains(t, err, "refers to more than 200 others")
}
