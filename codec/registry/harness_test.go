package registry_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/codec/registry/embedded"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

const topic = "clicks"

// served is an embedded registry behind something that counts requests and fails on demand.
type served struct {
	url      string
	requests atomic.Int64
	fail     atomic.Int64 // so many of the next requests
	status   int          // with this
}

func serve(t testing.TB) *served {
	t.Helper()
	r, err := embedded.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	to, err := url.Parse(r.URL())
	require.NoError(t, err)
	s := &served{status: http.StatusServiceUnavailable}
	proxy := httputil.NewSingleHostReverseProxy(to)
	transport := &http.Transport{}
	proxy.Transport = transport
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if s.fail.Add(-1) >= 0 {
			http.Error(w, `{"error_code":50002,"message":"later"}`, s.status)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.Close()
		transport.CloseIdleConnections()
	})
	s.url = front.URL
	return s
}

func client(t testing.TB, url string, opts ...registry.Option) *registry.Client {
	t.Helper()
	c, err := registry.New(url, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

type clicks = *clickstreampb.ClickEvent

func click(user string) clicks {
	return &clickstreampb.ClickEvent{UserId: user, EventTimestamp: 5, Properties: map[string]string{"a": "b"}}
}

// clickSchema is the click event's file with some of its text replaced.
func clickSchema(t testing.TB, edit func(string) string) protoreflect.FileDescriptor {
	t.Helper()
	f, err := protofile.Parse(t.Context(), "click.proto", edit(registry.Text(clickstreampb.File_clickstream_v1_click_event_proto)), nil)
	require.NoError(t, err)
	return f
}

func decode(d *registry.Decoder[clicks], value []byte) (clicks, error) {
	return d.DecodeRecord(&source.Raw{Value: value})
}

func framed(t testing.TB, id int, v clicks, path ...int) []byte {
	t.Helper()
	b, err := codec.Proto[clicks]().Append(registry.Header{ID: int32(id), Path: path}.Append(nil), v)
	require.NoError(t, err)
	return b
}
