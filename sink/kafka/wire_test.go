package kafka_test

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/sink/kafka"
)

// Requests of the protocol, by number.
const (
	produce        = 0
	initProducerID = 22
	endTxn         = 26
)

// loss is where a connection is lost: with the request, or with its answer, when the broker has acted.
type loss int

const (
	nothing loss = iota
	request
	answer
)

// wire loses requests and answers on all connections that are made through it.
type wire struct {
	lose  func(api int16) loss
	count [128]atomic.Int64 // of requests, by number
}

// option leads a sink's connections through the wire. Requests of transactions are tried again so many times.
func (w *wire) option(retries int) kafka.Option {
	return kafka.Tune(func(c *sarama.Config) {
		c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, w
		if c.Producer.Transaction.ID != "" {
			c.Producer.Transaction.Retry.Max = retries
		}
	})
}

func (w *wire) Dial(network, addr string) (net.Conn, error) {
	c, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: c, wire: w}, nil
}

type wireConn struct {
	net.Conn
	wire *wire
	mu   sync.Mutex
	cut  bool // at the next answer
}

var errLost = errors.New("the connection is lost on purpose")

func (c *wireConn) Write(b []byte) (int, error) {
	if len(b) >= 6 {
		api := int16(binary.BigEndian.Uint16(b[4:]))
		c.wire.count[api].Add(1)
		if lose := c.wire.lose; lose != nil {
			switch lose(api) {
			case request:
				_ = c.Close()
				return 0, errLost
			case answer:
				c.mu.Lock()
				c.cut = true
				c.mu.Unlock()
			}
		}
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		_ = c.Close()
		return 0, errLost
	}
	return n, err
}
