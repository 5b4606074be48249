package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/net/proxy"
)

// Link is one connection to one broker. Use it from one goroutine.
//
// A sarama Broker holds its lock for the whole of a request, so closing it waits for the answer; a Link closes the socket below instead, and so ends a
// long poll at once.
type Link struct {
	addr   string
	broker *sarama.Broker
	dialer *dialer
}

// Dial connects to addr, authenticated and ready.
func (c *Cluster) Dial(ctx context.Context, addr string) (*Link, error) {
	conf := *c.conf
	d := newDialer(&conf)
	l := &Link{addr: addr, broker: sarama.NewBroker(addr), dialer: d}
	err := l.Do(ctx, func(b *sarama.Broker) error {
		if err := b.Open(&conf); err != nil {
			return err
		}
		_, err := b.Connected()
		return err
	})
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("connecting to broker %s: %w", addr, err)
	}
	return l, nil
}

// Addr is the broker's address.
func (l *Link) Addr() string { return l.addr }

// Do calls request with the broker. When ctx is done the connection is cut, Do returns ctx's error, and the Link is good for Close only.
func (l *Link) Do(ctx context.Context, request func(*sarama.Broker) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, l.dialer.cut)
	err := request(l.broker)
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}

// Close ends the connection. It does not wait for the broker.
func (l *Link) Close() {
	l.dialer.cut()
	_ = l.broker.Close() // the socket is closed already: there is nothing left to report
}

// dialer makes a Broker's one connection and can cut it.
type dialer struct {
	base    proxy.ContextDialer
	tls     *tls.Config     // nil for none
	timeout time.Duration   // of the handshake
	ctx     context.Context // done when cut: what bounds Dial, which sarama calls without a context
	cancel  context.CancelFunc
	tap     tap // above TLS, below sarama

	mu   sync.Mutex
	conn net.Conn
}

// newDialer takes the place of conf's dialer and of its encryption.
func newDialer(conf *sarama.Config) *dialer {
	d := &dialer{base: &net.Dialer{Timeout: conf.Net.DialTimeout, KeepAlive: conf.Net.KeepAlive, LocalAddr: conf.Net.LocalAddr}, timeout: conf.Net.ReadTimeout}
	if conf.Net.Proxy.Enable {
		d.base = contextDialer{conf.Net.Proxy.Dialer}
	}
	if conf.Net.TLS.Enable {
		d.tls = cmp.Or(conf.Net.TLS.Config, &tls.Config{MinVersion: tls.VersionTLS12})
	}
	conf.Net.TLS.Enable, conf.Net.TLS.Config = false, nil
	conf.Net.Proxy.Enable, conf.Net.Proxy.Dialer = true, d
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Dial implements proxy.Dialer.
func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := d.base.DialContext(d.ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.conn = conn
	cut := d.ctx.Err()
	d.mu.Unlock()
	if cut != nil {
		conn.Close()
		return nil, cut
	}
	if d.tls != nil {
		if conn, err = d.encrypt(conn, addr); err != nil {
			return nil, err
		}
	}
	d.tap.Conn = conn
	return &d.tap, nil
}

// encrypt shakes hands with the broker at addr, whose name is the one of its certificate where the configuration has none.
func (d *dialer) encrypt(conn net.Conn, addr string) (net.Conn, error) {
	conf := d.tls
	if conf.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		conf = conf.Clone()
		conf.ServerName = host
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func (d *dialer) cut() {
	d.cancel()
	d.mu.Lock()
	conn := d.conn
	d.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// contextDialer gives a user's proxy dialer a context where it can take one.
type contextDialer struct{ proxy.Dialer }

func (c contextDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if d, ok := c.Dialer.(proxy.ContextDialer); ok {
		return d.DialContext(ctx, network, addr)
	}
	return c.Dial(network, addr)
}
