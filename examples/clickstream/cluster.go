package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/embedded"
	"github.com/millrace/millrace/source/kafka/topic"
)

// connectTimeout bounds how long a cluster is asked for its topic before a command gives up.
const connectTimeout = 20 * time.Second

// keepForever is the topic's retention: clicks are published with the time they happened, so that any shorter one would take old ones away at once.
var keepForever = map[string]string{"retention.ms": "-1"}

// kafkaCluster is where the clicks are.
type kafkaCluster struct {
	brokers []string
	broker  *embedded.Broker // nil for a real cluster
}

// connect reaches the cluster, starting the embedded broker where none is named.
func (p *program) connect() (*kafkaCluster, error) {
	if len(p.brokers) > 0 {
		return &kafkaCluster{brokers: p.brokers}, nil
	}
	b, err := embedded.Start(p.brokerDir())
	if err != nil {
		return nil, err
	}
	return &kafkaCluster{b.Addrs(), b}, nil
}

func (p *program) brokerDir() string { return filepath.Join(p.data, "broker") }

// Close stops the embedded broker if it is this process's.
func (c *kafkaCluster) Close() error {
	if c.broker == nil {
		return nil
	}
	return c.broker.Close()
}

// String names the cluster in messages.
func (c *kafkaCluster) String() string {
	where := strings.Join(c.brokers, ",")
	switch {
	case c.broker == nil:
		return "Kafka at " + where
	case c.broker.Served():
		return "embedded broker at " + where
	}
	return "another process's embedded broker at " + where
}

// ensureTopic makes the topic if it is missing, and says so.
func (p *program) ensureTopic(ctx context.Context, c *kafkaCluster, name string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	_, err := topic.Describe(ctx, c.brokers, name, cluster.Config{})
	if !errors.Is(err, topic.ErrMissing) {
		return err
	}
	if _, err := topic.Create(ctx, c.brokers, topic.Spec{Name: name, Partitions: defaultPartitions, Configs: keepForever}); err != nil {
		return err
	}
	p.say("Created topic %s with %d partitions on the %s.", name, defaultPartitions, c)
	return nil
}

// closing closes c when a command returns, and reports what goes wrong unless something did before.
func closing(c interface{ Close() error }, err *error) {
	if e := c.Close(); e != nil && *err == nil {
		*err = fmt.Errorf("closing: %w", e)
	}
}
