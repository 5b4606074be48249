package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// AuthEnv is the environment variable that holds "user:password" for registries whose URL has none.
const AuthEnv = "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO"

const (
	defaultTimeout = 10 * time.Second
	requestTimeout = 5 * time.Second // of one try
	firstBackoff   = 100 * time.Millisecond
	lastBackoff    = 2 * time.Second
	maxResponse    = 8 << 20 // bytes
)

// Option changes a Client.
type Option func(*config)

type config struct {
	urls           []string
	user, password string
	timeout        time.Duration
	transport      http.RoundTripper
	subjects       SubjectStrategy
}

// BasicAuth authenticates requests. It goes before a user in the URL and in the environment.
func BasicAuth(user, password string) Option {
	return func(c *config) { c.user, c.password = user, password }
}

// Timeout bounds one call, tries and waits between them together: 10 seconds by default. A Decoder that meets a new schema waits no longer than that.
func Timeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// Transport carries the requests, for a TLS configuration or a proxy of one's own; the default is like http.DefaultTransport.
func Transport(t http.RoundTripper) Option { return func(c *config) { c.transport = t } }

// Subjects sets how subjects are named; TopicName is the default.
func Subjects(s SubjectStrategy) Option { return func(c *config) { c.subjects = s } }

// newConfig reads the URLs. No error quotes them, since they may hold a password.
func newConfig(urls string, opts []Option) (config, error) {
	c := config{timeout: defaultTimeout, subjects: TopicName}
	c.user, c.password, _ = strings.Cut(os.Getenv(AuthEnv), ":")
	for text := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return c, errors.New("schema registry: the URL is not of the form http://HOST:PORT or https://USER:PASSWORD@HOST, several separated by commas; special characters in user and password are written as %XX")
		}
		if u.User != nil {
			c.user = u.User.Username()
			c.password, _ = u.User.Password()
			u.User = nil
		}
		c.urls = append(c.urls, strings.TrimRight(u.String(), "/"))
	}
	for _, o := range opts {
		o(&c)
	}
	if c.timeout <= 0 {
		return c, fmt.Errorf("schema registry: Timeout (%s) must be above zero", c.timeout)
	}
	if c.subjects == nil {
		return c, errors.New("schema registry: the strategy of Subjects is nil")
	}
	if c.transport == nil {
		c.transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	return c, nil
}

// bounded cuts answers that are longer than any schema.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxResponse), resp.Body}
	}
	return resp, err
}

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
