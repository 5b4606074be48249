package cluster

import (
	"context"
	"slices"

	"github.com/IBM/sarama"
)

// Partition names one partition of one topic.
type Partition struct {
	Topic string
	ID    int32
}

// Metadata is the cluster's description of topics at one moment.
type Metadata struct {
	Topics  map[string]Topic
	Brokers int // how many brokers the cluster has
	// Controller is the address of the broker to send administrative requests to, and ControllerID its number; empty and -1 while there is none.
	Controller   string
	ControllerID int32
}

// Topic is one topic. A topic that does not exist has Err set.
type Topic struct {
	Name       string
	ID         sarama.Uuid // the same name has another ID after it was deleted and created again; zero on brokers before 2.8
	Internal   bool
	Err        error
	Partitions []Leader // by partition, from 0
}

// Incarnation is the topic's ID as text, "" where the cluster gives none.
func (t Topic) Incarnation() string {
	if t.ID == (sarama.Uuid{}) {
		return ""
	}
	return t.ID.String()
}

// Leader is where a partition is read and written.
type Leader struct {
	Addr     string // empty while there is none
	Epoch    int32
	Replicas int // copies there should be
	InSync   int // copies that have everything at this moment
	Err      error
}

// Leader is the leader of p, or a zero Leader with Err set when the metadata has none.
func (m *Metadata) Leader(p Partition) Leader {
	t, ok := m.Topics[p.Topic]
	switch {
	case !ok || int(p.ID) >= len(t.Partitions):
		return Leader{Err: sarama.ErrUnknownTopicOrPartition}
	case t.Err != nil:
		return Leader{Err: t.Err}
	}
	return t.Partitions[p.ID]
}

// Metadata asks for the given topics, or for all when none is given. A topic that does not exist is no error of the call: see Topic.Err.
func (c *Cluster) Metadata(ctx context.Context, topics ...string) (*Metadata, error) {
	var m *Metadata
	err := c.any(ctx, func(b *sarama.Broker) (err error) {
		m, err = c.MetadataFrom(b, topics...)
		return err
	})
	return m, err
}

// MetadataFrom is Metadata as one connected broker knows it: brokers hear of changes one after the other.
func (c *Cluster) MetadataFrom(b *sarama.Broker, topics ...string) (*Metadata, error) {
	resp, err := b.GetMetadata(sarama.NewMetadataRequest(c.conf.Version, topics))
	if err != nil {
		return nil, err
	}
	return c.take(resp), nil
}

func (c *Cluster) take(resp *sarama.MetadataResponse) *Metadata {
	addrs := make(map[int32]string, len(resp.Brokers))
	known := make([]string, 0, len(resp.Brokers))
	for _, b := range resp.Brokers {
		addrs[b.ID()] = b.Addr()
		known = append(known, b.Addr())
	}
	slices.Sort(known)
	c.mu.Lock()
	c.known = known[:min(len(known), maxKnown)]
	c.mu.Unlock()

	m := &Metadata{Topics: make(map[string]Topic, len(resp.Topics)), Brokers: len(resp.Brokers), Controller: addrs[resp.ControllerID], ControllerID: resp.ControllerID}
	for _, t := range resp.Topics {
		topic := Topic{Name: t.Name, ID: t.Uuid, Internal: t.IsInternal}
		if t.Err != sarama.ErrNoError {
			topic.Err = t.Err
		}
		for range t.Partitions {
			topic.Partitions = append(topic.Partitions, Leader{Err: sarama.ErrLeaderNotAvailable})
		}
		for _, p := range t.Partitions {
			if p.ID < 0 || int(p.ID) >= len(topic.Partitions) {
				continue // the partitions of a topic have no gaps: this answer is about none we could read
			}
			l := Leader{Addr: addrs[p.Leader], Epoch: p.LeaderEpoch, Replicas: len(p.Replicas), InSync: len(p.Isr)}
			if l.Addr == "" {
				l.Err = sarama.ErrLeaderNotAvailable
			}
			topic.Partitions[p.ID] = l
		}
		m.Topics[t.Name] = topic
	}
	return m
}
