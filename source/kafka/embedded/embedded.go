// Package embedded runs a Kafka-protocol broker inside the program: franz-go's kfake on a loopback port, in memory or with a data directory. It serves
// development, demonstrations and tests on a machine without Kafka; it is one node without replication, not a database.
//
// Several processes may Start the same directory. The first serves it, the others attach to that one; when it ends, one of the others takes over on the
// same port, so that clients only see a short outage.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/millrace/millrace/internal/disk"
)

const (
	attachTimeout = 10 * time.Second       // for the process that serves the directory to answer
	takeoverPoll  = 100 * time.Millisecond // between looks whether that process has ended
)

// Option changes how a broker is started. Options apply when this process serves the directory, now or after a take-over.
type Option func(*config)

type config struct {
	port int
	sync bool
	max  int
}

// Port asks for a fixed port. By default a free one is taken, and kept in the directory for the next time.
func Port(port int) Option { return func(c *config) { c.port = port } }

// SyncWrites makes every record durable before it is acknowledged. Without it a power failure, though no crash of the program, may lose the newest.
func SyncWrites() Option { return func(c *config) { c.sync = true } }

// MaxMessageBytes is the largest record batch the broker takes; the default is Kafka's, 1 MiB.
func MaxMessageBytes(n int) Option { return func(c *config) { c.max = n } }

// Broker is an embedded broker, or the connection to another process's. Its methods are safe for concurrent use.
type Broker struct {
	cfg  config
	dir  string
	addr string

	mu      sync.Mutex
	cluster *kfake.Cluster // nil while another process serves
	lock    io.Closer      // nil while another process serves

	stop context.CancelFunc // ends waiting for a take-over
	done chan struct{}      // closed when nobody waits for one
	once sync.Once
}

// Start serves dir, or attaches to the process that does. With an empty dir the broker is this process's own, in memory, and is gone when closed.
func Start(dir string, opts ...Option) (*Broker, error) {
	b := &Broker{dir: dir, stop: func() {}, done: make(chan struct{})}
	for _, o := range opts {
		o(&b.cfg)
	}
	if dir == "" {
		close(b.done)
		if err := b.serve(b.cfg.port); err != nil {
			return nil, err
		}
		return b, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("embedded broker: data directory: %w", err)
	}
	lock, err := lockDir(dir)
	switch {
	case err == nil:
		close(b.done)
		b.lock = lock
		if err := b.serveSaved(); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		return b, nil
	case errors.Is(err, errLocked):
		if err := b.attach(); err != nil {
			return nil, err
		}
		return b, nil
	default:
		return nil, err
	}
}

// Addrs are the addresses to give to clients.
func (b *Broker) Addrs() []string { return []string{b.addr} }

// Served reports whether this process serves the directory at this moment, rather than another one.
func (b *Broker) Served() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cluster != nil
}

// Close stops serving, or waiting to take over. Closing twice does nothing.
func (b *Broker) Close() error {
	var err error
	b.once.Do(func() {
		b.stop()
		<-b.done
		b.mu.Lock()
		cluster, lock := b.cluster, b.lock
		b.cluster, b.lock = nil, nil
		b.mu.Unlock()
		if cluster != nil {
			cluster.Close()
		}
		if lock != nil {
			err = lock.Close()
		}
	})
	return err
}

// serve starts the broker on port, 0 for any.
func (b *Broker) serve(port int) error {
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port)}
	if b.dir != "" {
		opts = append(opts, kfake.DataDir(filepath.Join(b.dir, "log")))
	}
	if b.cfg.sync {
		opts = append(opts, kfake.SyncWrites())
	}
	if b.cfg.max > 0 {
		opts = append(opts, kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(b.cfg.max)}))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("embedded broker on 127.0.0.1:%d with data in %q: %w", port, b.dir, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cluster = cluster
	b.addr = cluster.ListenAddrs()[0]
	return nil
}

// serveSaved serves on the port used before where it is free, and saves the one it got.
func (b *Broker) serveSaved() error {
	port := b.cfg.port
	if port == 0 {
		if saved, err := b.savedAddr(); err == nil && portFree(saved) {
			port = portOf(saved)
		}
	}
	if err := b.serve(port); err != nil {
		return err
	}
	if err := disk.Replace(b.addrFile(), []byte(b.addr+"\n")); err != nil {
		b.cluster.Close()
		return fmt.Errorf("embedded broker: saving its address: %w", err)
	}
	return nil
}

func (b *Broker) addrFile() string { return filepath.Join(b.dir, "broker.addr") }

func (b *Broker) savedAddr() (string, error) {
	text, err := os.ReadFile(b.addrFile())
	if err != nil {
		return "", err
	}
	addr := strings.TrimSpace(string(text))
	if portOf(addr) == 0 {
		return "", fmt.Errorf("embedded broker: %s holds no address: remove it while no process serves %s", b.addrFile(), b.dir)
	}
	return addr, nil
}

// attach waits until the process that has the lock answers, and then for its end.
func (b *Broker) attach() error {
	deadline := time.Now().Add(attachTimeout)
	for {
		addr, err := b.savedAddr()
		if err == nil {
			if err = answers(addr); err == nil {
				b.addr = addr
				break
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && time.Now().After(deadline) {
			return fmt.Errorf("embedded broker: another process holds %s but does not answer: %w", b.dir, err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("embedded broker: another process holds %s but has not said where it listens", b.dir)
		}
		time.Sleep(takeoverPoll)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go b.takeOver(ctx)
	return nil
}

// takeOver serves the directory, on the same port, once nobody else does.
func (b *Broker) takeOver(ctx context.Context) {
	defer close(b.done)
	tick := time.NewTicker(takeoverPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		lock, err := lockDir(b.dir)
		if err != nil {
			continue // still served
		}
		if err := b.serve(portOf(b.addr)); err != nil {
			_ = lock.Close() // the port is not free yet: somebody else may have more luck
			continue
		}
		b.mu.Lock()
		b.lock = lock
		b.mu.Unlock()
		return
	}
}

func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

func portFree(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func answers(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}
