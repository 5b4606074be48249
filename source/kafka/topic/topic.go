// Package topic creates and describes Kafka topics.
package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// ErrExists is wrapped by what Create returns when the topic is there already with another partition count.
var ErrExists = errors.New("topic exists with another partition count")

// ErrMissing is wrapped by what Describe returns when there is no such topic.
var ErrMissing = errors.New("topic does not exist")

const (
	createTimeout = 30 * time.Second
	visibleTries  = 50 // looks for a created topic, one each 100 ms
)

// Spec is a topic to create.
type Spec struct {
	Name       string
	Partitions int32 // at least 1
	// Replication is the number of copies; 0 lets the cluster decide.
	Replication int16
	// Configs are topic settings, for example "retention.ms": "-1".
	Configs map[string]string
	// Connection is how to reach the cluster.
	Connection cluster.Config
}

// Description is a topic as it is.
type Description struct {
	Name        string
	Partitions  int32
	Replication int16             // of the first partition
	Configs     map[string]string // the settings that are not the cluster's defaults
}

// Create makes the topic and waits until it can be used. created is false when it was there already with the same partition count; with another one the
// error wraps ErrExists. Other settings of an existing topic are not looked at.
func Create(ctx context.Context, brokers []string, s Spec) (created bool, err error) {
	if s.Name == "" || s.Partitions < 1 {
		return false, fmt.Errorf("kafka topic %q with %d partitions cannot be created: give a name and at least one partition", s.Name, s.Partitions)
	}
	c, err := cluster.New(brokers, s.Connection)
	if err != nil {
		return false, err
	}
	created = true
	err = c.Retry(ctx, func() error { return create(ctx, c, s) })
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		created, err = false, nil
	}
	if err != nil {
		return false, fmt.Errorf("creating kafka topic %s: %w", s.Name, err)
	}
	return created, await(ctx, c, s)
}

func create(ctx context.Context, c *cluster.Cluster, s Spec) error {
	meta, err := c.Metadata(ctx, s.Name)
	if err != nil {
		return err
	}
	if meta.Controller == "" {
		return sarama.ErrNotController
	}
	detail := &sarama.TopicDetail{NumPartitions: s.Partitions, ReplicationFactor: s.Replication, ConfigEntries: make(map[string]*string, len(s.Configs))}
	if s.Replication == 0 {
		detail.ReplicationFactor = -1
	}
	for k, v := range s.Configs {
		detail.ConfigEntries[k] = &v
	}
	req := sarama.NewCreateTopicsRequest(c.Version(), map[string]*sarama.TopicDetail{s.Name: detail}, createTimeout, false)
	return c.On(ctx, meta.Controller, func(b *sarama.Broker) error {
		resp, err := b.CreateTopics(req)
		if err != nil {
			return err
		}
		terr := resp.TopicErrors[s.Name]
		switch {
		case terr == nil:
			return sarama.ErrIncompleteResponse
		case terr.Err == sarama.ErrNoError:
			return nil
		case terr.ErrMsg != nil && terr.Err != sarama.ErrTopicAlreadyExists:
			return fmt.Errorf("%s: %w", *terr.ErrMsg, terr.Err)
		default:
			return terr.Err
		}
	})
}

// await looks until every partition has a leader.
func await(ctx context.Context, c *cluster.Cluster, s Spec) error {
	var last error
	for range visibleTries {
		meta, err := c.Metadata(ctx, s.Name)
		if err != nil {
			return err
		}
		t := meta.Topics[s.Name]
		if t.Err == nil && len(t.Partitions) > 0 {
			if got := int32(len(t.Partitions)); got != s.Partitions {
				return fmt.Errorf("kafka %w: %s has %d, %d were asked for: use the topic as it is, or another name", ErrExists, s.Name, got, s.Partitions)
			}
			if !slices.ContainsFunc(t.Partitions, func(l cluster.Leader) bool { return l.Err != nil }) {
				return nil
			}
		}
		last = errors.Join(t.Err, errors.New("its partitions have no leaders yet"))
		if err := cluster.Pause(ctx, 0); err != nil {
			return err
		}
	}
	return fmt.Errorf("kafka topic %s was created but cannot be used: %w", s.Name, last)
}

// Describe tells what the topic is like. The error wraps ErrMissing when there is none of that name.
func Describe(ctx context.Context, brokers []string, name string, connection cluster.Config) (Description, error) {
	c, err := cluster.New(brokers, connection)
	if err != nil {
		return Description{}, err
	}
	meta, err := c.Metadata(ctx, name)
	if err != nil {
		return Description{}, err
	}
	t, ok := meta.Topics[name]
	switch {
	case !ok || errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
		return Description{}, fmt.Errorf("kafka %w: %s on %s", ErrMissing, name, c)
	case t.Err != nil:
		return Description{}, fmt.Errorf("kafka topic %s: %w", name, t.Err)
	}
	d := Description{Name: name, Partitions: int32(len(t.Partitions)), Configs: map[string]string{}}
	if len(t.Partitions) > 0 {
		d.Replication = int16(t.Partitions[0].Replicas)
	}
	err = c.On(ctx, meta.Controller, func(b *sarama.Broker) error { return readConfigs(b, name, d.Configs) })
	if err != nil {
		return Description{}, fmt.Errorf("settings of kafka topic %s: %w", name, err)
	}
	return d, nil
}

func readConfigs(b *sarama.Broker, name string, into map[string]string) error {
	resp, err := b.DescribeConfigs(&sarama.DescribeConfigsRequest{
		Version: 2, Resources: []*sarama.ConfigResource{{Type: sarama.TopicResource, Name: name}},
	})
	if err != nil {
		return err
	}
	for _, r := range resp.Resources {
		if kerr := sarama.KError(r.ErrorCode); kerr != sarama.ErrNoError {
			return fmt.Errorf("%s: %w", r.ErrorMsg, kerr)
		}
		for _, e := range r.Configs {
			if e.Source == sarama.SourceTopic && !e.Sensitive {
				into[e.Name] = e.Value
			}
		}
	}
	return nil
}
