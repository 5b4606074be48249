package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxCached is how many schemas a Client, and how many ids a Decoder, keeps; beyond that it begins anew.
const maxCached = 1000

// Client talks to a schema registry. It is safe for concurrent use. Schemas are kept by their id, which never changes its meaning.
type Client struct {
	config config
	http   *http.Client
	sr     *sr.Client

	mu      sync.Mutex
	schemas map[int]*Schema
}

// New makes a client of the registry at a URL, or of one that several URLs lead to, separated by commas. User and password stand in the URL, or in the
// environment variable AuthEnv. Nothing is connected yet.
func New(urls string, opts ...Option) (*Client, error) {
	cfg, err := newConfig(urls, opts)
	if err != nil {
		return nil, err
	}
	c := &Client{config: cfg, schemas: map[int]*Schema{}}
	c.http = &http.Client{Transport: bounded{cfg.transport}, Timeout: requestTimeout}
	options := []sr.ClientOpt{sr.URLs(cfg.urls...), sr.HTTPClient(c.http), sr.UserAgent("millrace")}
	if cfg.user != "" || cfg.password != "" {
		options = append(options, sr.BasicAuth(cfg.user, cfg.password))
	}
	if c.sr, err = sr.NewClient(options...); err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	return c, nil
}

// String names the registry without user and password.
func (c *Client) String() string { return "schema registry " + strings.Join(c.config.urls, ",") }

// GoString is String, so that no way of printing shows a password.
func (c *Client) GoString() string { return c.String() }

// Subject is what a topic's values of a message are registered under.
func (c *Client) Subject(topic string, message protoreflect.FullName) string {
	return c.config.subjects(topic, message)
}

// Close closes idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// call makes a request until it succeeds, fails for good, or the timeout passes. doing completes "while ...".
func (c *Client) call(ctx context.Context, doing string, request func(ctx context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, c.config.timeout)
	defer cancel()
	wait := firstBackoff
	for {
		err := request(bounded)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil { // the caller's own end
			return fmt.Errorf("%s: %s: %w", c, doing, ctx.Err())
		}
		temporary, meaning := classify(err)
		if !temporary {
			return fmt.Errorf("%s: %s: %w", c, doing, meaning)
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("%s: %s: %w", c, doing, ctx.Err())
			}
			return fmt.Errorf("%s: %s: %w: %w", c, doing, ErrUnavailable, err)
		case <-time.After(wait):
			wait = min(2*wait, lastBackoff)
		}
	}
}

// classify says what a failure means, and whether waiting may mend it.
func classify(err error) (temporary bool, meaning error) {
	var answer *sr.ResponseError
	if !errors.As(err, &answer) {
		var certificate *tls.CertificateVerificationError
		var network *url.Error
		switch {
		case errors.As(err, &certificate):
			return false, err
		case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
			return true, err
		}
		return false, fmt.Errorf("%w; is this the base URL of a registry? Apicurio's ends in /apis/ccompat/v7", err)
	}
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return true, err
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return false, fmt.Errorf("it refuses the user or password (HTTP %d): give them in the URL, http://USER:PASSWORD@HOST, or as USER:PASSWORD in %s", status, AuthEnv)
	case status == http.StatusNotFound && answer.ErrorCode == 0:
		return false, fmt.Errorf("%w: HTTP 404 for %s; is this the base URL of a registry? Apicurio's ends in /apis/ccompat/v7", ErrNotFound, answer.URL)
	case status == http.StatusNotFound:
		return false, fmt.Errorf("%w: %w", ErrNotFound, err)
	case status == http.StatusConflict:
		return false, fmt.Errorf("%w: %w", ErrIncompatible, err)
	}
	return false, fmt.Errorf("%w (HTTP %d)", err, answer.StatusCode)
}
