package topic

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// Origin says who decided a setting.
type Origin string

const (
	FromTopic   Origin = "topic"         // set for this topic
	FromBroker  Origin = "broker"        // the topic has none of its own: the brokers' setting holds
	FromDefault Origin = "Kafka default" // nobody set it
)

// Value is a setting as it holds for the topic, and where it comes from.
type Value struct {
	Value  string
	Origin Origin
}

// Description is a topic as it is.
type Description struct {
	Name        string
	Incarnation string // another one after the topic was deleted and created again; "" where the cluster gives none
	Partitions  int32
	Replication int16             // of the partition that has the fewest copies
	InSync      int16             // copies that have everything at this moment, of the partition that has the fewest
	Brokers     int               // in the cluster
	Configs     map[string]string // the settings that were made for this topic
	Settings    map[string]Value  // all settings as they hold, the brokers' included
}

// Describe tells what the topic is like. The error wraps ErrMissing when there is none of that name.
func Describe(ctx context.Context, brokers []string, name string, connection cluster.Config) (Description, error) {
	c, err := cluster.New(brokers, connection)
	if err != nil {
		return Description{}, err
	}
	return describe(ctx, c, name)
}

func describe(ctx context.Context, c *cluster.Cluster, name string) (Description, error) {
	meta, t, err := lookUp(ctx, c, name)
	if err != nil {
		return Description{}, err
	}
	d := Description{
		Name: name, Incarnation: t.Incarnation(), Partitions: int32(len(t.Partitions)), Brokers: meta.Brokers, Configs: map[string]string{}, Settings: map[string]Value{},
	}
	for i, p := range t.Partitions {
		if i == 0 || int16(p.Replicas) < d.Replication {
			d.Replication = int16(p.Replicas)
		}
		if i == 0 || int16(p.InSync) < d.InSync {
			d.InSync = int16(p.InSync)
		}
	}
	entries, err := readSettings(ctx, c, meta, sarama.TopicResource, name)
	if err != nil {
		return Description{}, fmt.Errorf("settings of kafka topic %s: %w", name, err)
	}
	for _, e := range entries {
		if e.Sensitive {
			continue
		}
		d.Settings[e.Name] = Value{e.Value, originOf(e.Source)}
		if e.Source == sarama.SourceTopic {
			d.Configs[e.Name] = e.Value
		}
	}
	return d, nil
}

// lookUp finds the topic, or returns an error that wraps ErrMissing.
func lookUp(ctx context.Context, c *cluster.Cluster, name string) (*cluster.Metadata, cluster.Topic, error) {
	meta, err := c.Metadata(ctx, name)
	if err != nil {
		return nil, cluster.Topic{}, err
	}
	t, ok := meta.Topics[name]
	switch {
	case !ok || errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
		return nil, t, fmt.Errorf("kafka %w: %s on %s", ErrMissing, name, c)
	case t.Err != nil:
		return nil, t, fmt.Errorf("kafka topic %s: %w", name, t.Err)
	}
	return meta, t, nil
}

func originOf(s sarama.ConfigSource) Origin {
	switch s {
	case sarama.SourceTopic:
		return FromTopic
	case sarama.SourceDynamicBroker, sarama.SourceDynamicDefaultBroker, sarama.SourceStaticBroker:
		return FromBroker
	default:
		return FromDefault
	}
}

// brokerSettings are the settings of one broker, taken for all.
func brokerSettings(ctx context.Context, c *cluster.Cluster, meta *cluster.Metadata) (map[string]string, error) {
	entries, err := readSettings(ctx, c, meta, sarama.BrokerResource, strconv.Itoa(int(meta.ControllerID)))
	if err != nil {
		return nil, err
	}
	settings := make(map[string]string, len(entries))
	for _, e := range entries {
		if !e.Sensitive {
			settings[e.Name] = e.Value
		}
	}
	return settings, nil
}

func readSettings(ctx context.Context, c *cluster.Cluster, meta *cluster.Metadata, kind sarama.ConfigResourceType, name string) (entries []*sarama.ConfigEntry, err error) {
	req := &sarama.DescribeConfigsRequest{Version: 2, Resources: []*sarama.ConfigResource{{Type: kind, Name: name}}}
	err = c.On(ctx, meta.Controller, func(b *sarama.Broker) error {
		resp, err := b.DescribeConfigs(req)
		if err != nil {
			return err
		}
		entries = nil
		for _, r := range resp.Resources {
			if kerr := sarama.KError(r.ErrorCode); kerr != sarama.ErrNoError {
				return fmt.Errorf("%s: %w", r.ErrorMsg, kerr)
			}
			entries = append(entries, r.Configs...)
		}
		return nil
	})
	return entries, err
}
