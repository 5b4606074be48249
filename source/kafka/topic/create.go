package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

const (
	createTimeout = 30 * time.Second
	visibleTries  = 50 // looks for a created topic, one each 100 ms
)

// Create makes the topic and waits until it can be used. created is false when it was there already with the same partition count; with another one the
// error wraps ErrExists. Other settings of an existing topic are not looked at: see Check.
func Create(ctx context.Context, brokers []string, s Spec) (created bool, err error) {
	if err := s.validate(); err != nil {
		return false, err
	}
	if s.Partitions < 1 {
		return false, fmt.Errorf("kafka topic %q with %d partitions cannot be created: give at least one partition", s.Name, s.Partitions)
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
	if t := meta.Topics[s.Name]; t.Err == nil && len(t.Partitions) > 0 {
		return sarama.ErrTopicAlreadyExists
	}
	settings, err := wanted(ctx, c, meta, s)
	if err != nil {
		return err
	}
	detail := &sarama.TopicDetail{NumPartitions: s.Partitions, ReplicationFactor: s.Replication, ConfigEntries: make(map[string]*string, len(settings))}
	if s.Replication == 0 {
		detail.ReplicationFactor = -1
	}
	for k, v := range settings {
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

// wanted are the settings to give to a new topic: those declared, and what this cluster needs beside them.
func wanted(ctx context.Context, c *cluster.Cluster, meta *cluster.Metadata, s Spec) (map[string]string, error) {
	settings := s.settings()
	maps.Copy(settings, s.Configs)
	if s.Retention == 0 {
		return settings, nil
	}
	broker, err := brokerSettings(ctx, c, meta)
	if err != nil { // it takes a permission that creating a topic does not: what the broker refuses then shows in its answer
		return settings, nil //nolint:nilerr // see above
	}
	if s.Tiered != nil && broker["remote.log.storage.system.enable"] != "true" {
		return nil, fmt.Errorf("%w: broker %s does not have remote.log.storage.system.enable=true; set it up there, or declare the topic without tiered storage", ErrNoTiering, meta.Controller)
	}
	// A bound is lifted only where there is one: brokers that have no bound may not know the setting.
	if v, ok := broker["log."+refusedBefore]; ok && v != unbounded && s.Configs[refusedBefore] == "" {
		settings[refusedBefore] = unbounded
	}
	return settings, nil
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
