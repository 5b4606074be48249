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

// kafkaCluster is where the clicks are: what source, sinks, producers and topic tools connect to.
type kafkaCluster struct {
	brokers []string
	config  cluster.Config
	broker  *embedded.Broker // nil for a real cluster
	clicks  *clickFormat     // how they stand in the topic; nil before openClicks
}

// connect reaches the cluster, starting the embedded broker where none is named.
func (p *program) connect() (*kafkaCluster, error) {
	config, err := p.security.config()
	if err != nil {
		return nil, err
	}
	if config.SASL.Mechanism == cluster.Plain && config.TLS == nil {
		p.say("The password goes to the brokers as it is: --sasl plain is safe with --tls only.")
	}
	if len(p.brokers) > 0 {
		return &kafkaCluster{brokers: p.brokers, config: config}, nil
	}
	if config.TLS != nil || config.SASL.Mechanism != "" {
		return nil, errors.New("--tls... and --sasl... are for the cluster that --brokers names: the embedded broker has neither")
	}
	b, err := embedded.Start(p.brokerDir())
	if err != nil {
		return nil, err
	}
	return &kafkaCluster{brokers: b.Addrs(), broker: b}, nil
}

func (p *program) brokerDir() string { return filepath.Join(p.data, "broker") }

// Close stops the embedded broker if it is this process's.
func (c *kafkaCluster) Close() (err error) {
	if c.clicks != nil {
		err = c.clicks.Close()
	}
	if c.broker != nil {
		err = errors.Join(err, c.broker.Close())
	}
	return err
}

// openClicks finds out how clicks stand in the topic, for reading them, and checks with the registry, if there is one, that this program can.
func (p *program) openClicks(ctx context.Context, c *kafkaCluster) (err error) {
	if c.clicks, err = p.openFormat(); err != nil {
		return err
	}
	return c.clicks.checkReader(ctx, p)
}

// String names the cluster in messages.
func (c *kafkaCluster) String() string {
	where := strings.Join(c.brokers, ",")
	switch {
	case c.broker == nil:
		return "Kafka at " + where
	case c.broker.Served():
		return "the embedded broker at " + where
	}
	return "another process's embedded broker at " + where
}

// ensureTopic makes the topic if it is missing, and says so. Of a topic of clicks that was made by others it says if it would lose them.
func (p *program) ensureTopic(ctx context.Context, c *kafkaCluster, name string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	_, err := topic.Describe(ctx, c.brokers, name, c.config)
	if err == nil && name == p.topic && c.broker == nil {
		spec := keepForever(c, name)
		spec.Retention = shortHistory
		p.warnOfLoss(ctx, c, spec)
	}
	if !errors.Is(err, topic.ErrMissing) {
		return err
	}
	spec := keepForever(c, name)
	spec.Partitions = defaultPartitions
	if _, err := topic.Create(ctx, c.brokers, spec); err != nil {
		return err
	}
	p.say("Created topic %s with %d partitions on %s.", name, defaultPartitions, c)
	return nil
}

// demandTopic fails where the topic is not there: to make it, as run does, would be to answer with nothing.
func (p *program) demandTopic(ctx context.Context, c *kafkaCluster) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	_, err := topic.Describe(ctx, c.brokers, p.topic, c.config)
	switch {
	case errors.Is(err, topic.ErrMissing):
		return fmt.Errorf("%w; produce makes it, and --topic names another", err)
	case err != nil:
		return fmt.Errorf("%s: %w", c, err)
	}
	return nil
}

// connectToClicks reaches the cluster for reading a topic that must be there.
func (p *program) connectToClicks(ctx context.Context) (*kafkaCluster, error) {
	c, err := p.connect()
	if err != nil {
		return nil, err
	}
	if err := firstError(func() error { return p.demandTopic(ctx, c) }, func() error { return p.openClicks(ctx, c) }); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// closing closes c when a command returns, and reports what goes wrong unless something did before.
func closing(c interface{ Close() error }, err *error) {
	if e := c.Close(); e != nil && *err == nil {
		*err = fmt.Errorf("closing: %w", e)
	}
}
