package elastic

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 256 << 20

// client talks to one cluster. It stays with a node until that fails, and is safe for concurrent use.
type client struct {
	servers servers
	http    *http.Client
	timeout time.Duration
	name    string       // sent as X-Opaque-Id, by which the server's list of tasks tells whose they are
	node    atomic.Int32 // index of the node to ask next
}

// newClient begins at the node that number picks, so that Writers spread over a cluster.
func newClient(s servers, c config, name string, number int) (*client, error) {
	roots, err := trust(c.ca)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     roots,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     time.Minute,
		MaxIdleConnsPerHost: 2,
	}
	cl := &client{
		servers: s,
		// A redirect would lead credentials elsewhere.
		http:    &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		timeout: c.timeout, name: name,
	}
	cl.node.Store(int32(number % len(s.urls)))
	return cl, nil
}

// request is what is asked of the cluster.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	lines        bool // the body is JSON Lines
}

// do makes a request and decodes the answer into out unless that is nil. An answer that is not a success is a *serverError.
func (c *client) do(ctx context.Context, r request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.ask(ctx, r)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: the answer is not what Elasticsearch answers: %w", r.method, r.path, err)
	}
	return nil
}

// ask tries the nodes in turn for as long as none can be reached. A request that may have reached a node is not tried elsewhere: that is for the caller to decide.
func (c *client) ask(ctx context.Context, r request) (answer []byte, err error) {
	for range c.servers.urls {
		node := c.node.Load()
		if answer, err = c.askNode(ctx, c.servers.urls[node], r); err == nil {
			return answer, nil
		}
		var refused *serverError
		if errors.As(err, &refused) && refused.status < http.StatusInternalServerError {
			return nil, err
		}
		c.node.CompareAndSwap(node, (node+1)%int32(len(c.servers.urls)))
		var dial *net.OpError
		if !errors.As(err, &dial) || dial.Op != "dial" || ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, err
}

func (c *client) askNode(ctx context.Context, node string, r request) ([]byte, error) {
	target := node + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "millrace")
	req.Header.Set("X-Opaque-Id", c.name)
	if c.servers.authorization != "" {
		req.Header.Set("Authorization", c.servers.authorization)
	}
	if r.lines {
		req.Header.Set("Content-Type", "application/x-ndjson")
	} else if len(r.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s%s: reading the answer: %w", r.method, node, r.path, err)
	}
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("%s %s%s: the answer has more than %d bytes", r.method, node, r.path, maxAnswer)
	}
	if resp.StatusCode/100 != 2 {
		return nil, refusal(node, r, resp.StatusCode, answer)
	}
	return answer, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// untrusted reports whether err is about TLS, which waiting does not mend.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}
