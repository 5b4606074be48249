package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	attempts     = 5 // tries of a request that a passing state of the cluster refused
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	maxKnown     = 64 // broker addresses remembered beside the given ones
)

// Cluster asks a Kafka cluster about itself. It keeps no connection and is safe for concurrent use.
type Cluster struct {
	brokers []string
	conf    *sarama.Config

	mu    sync.Mutex
	known []string // addresses the cluster gave of its brokers, for when the given ones are gone
}

// New checks the addresses and settings; it does not connect.
func New(brokers []string, cfg Config) (*Cluster, error) {
	conf, err := cfg.Sarama()
	if err := errors.Join(checkBrokers(brokers), err); err != nil {
		return nil, err
	}
	return &Cluster{brokers: slices.Clone(brokers), conf: conf}, nil
}

// String names the brokers: "localhost:9092,localhost:9093".
func (c *Cluster) String() string { return strings.Join(c.brokers, ",") }

// any calls request with a connection to one broker after the other until one answers.
func (c *Cluster) any(ctx context.Context, request func(*sarama.Broker) error) error {
	c.mu.Lock()
	addrs := slices.Concat(c.brokers, c.known)
	c.mu.Unlock()
	var errs []error
	tried := make(map[string]bool, len(addrs))
	for _, addr := range addrs {
		if tried[addr] {
			continue
		}
		tried[addr] = true
		err := c.On(ctx, addr, request)
		if err == nil || ctx.Err() != nil {
			return err
		}
		errs = append(errs, err)
		if !Retriable(err) {
			break
		}
	}
	return fmt.Errorf("kafka cluster %s does not answer: %w", c, errors.Join(errs...))
}

// On calls request with a new connection to the broker at addr.
func (c *Cluster) On(ctx context.Context, addr string, request func(*sarama.Broker) error) error {
	l, err := c.Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Do(ctx, request)
}

// coordinator is the address of the broker that keeps the group's offsets.
func (c *Cluster) coordinator(ctx context.Context, group string) (string, error) {
	var addr string
	err := c.any(ctx, func(b *sarama.Broker) error {
		resp, err := b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 2, CoordinatorKey: group, CoordinatorType: sarama.CoordinatorGroup})
		if err != nil {
			return err
		}
		if resp.Err != sarama.ErrNoError {
			return resp.Err
		}
		addr = resp.Coordinator.Addr()
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("finding the coordinator: %w", err)
	}
	return addr, nil
}

// Version is the newest protocol version this program speaks.
func (c *Cluster) Version() sarama.KafkaVersion { return c.conf.Version }

// Retry calls f a few times while its error is Retriable, with a growing pause, and returns the last error.
func (c *Cluster) Retry(ctx context.Context, f func() error) error {
	var err error
	for n := range attempts {
		if err = f(); err == nil || !Retriable(err) || ctx.Err() != nil {
			return err
		}
		if n < attempts-1 {
			if werr := Pause(ctx, n); werr != nil {
				return werr
			}
		}
	}
	return err
}

// Pause waits before try n+1, counted from 0: 100 ms, doubled each time up to 2 s. It returns ctx's error if that is done first.
func Pause(ctx context.Context, n int) error {
	t := time.NewTimer(min(maxBackoff, firstBackoff<<min(n, 10)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
