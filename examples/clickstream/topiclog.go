package main

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/source/kafka/cluster"
)

// topicLog is what a topic holds at one moment, by split.
type topicLog struct {
	id              string // tells the topic from another one of the same name; "" where the broker does not say
	earliest, ended map[string]int64
}

// log asks a topic what it holds.
func (c *kafkaCluster) log(ctx context.Context, topic string) (l topicLog, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	at, err := cluster.New(c.brokers, cluster.Config{})
	if err != nil {
		return l, err
	}
	meta, err := at.Metadata(ctx, topic)
	if err != nil {
		return l, err
	}
	t := meta.Topics[topic]
	if t.Err != nil {
		return l, fmt.Errorf("topic %s: %w", topic, t.Err)
	}
	if id := t.ID.String(); t.ID != [16]byte{} {
		l.id = id
	}
	var partitions []cluster.Partition
	for i := range t.Partitions {
		partitions = append(partitions, cluster.Partition{Topic: topic, ID: int32(i)})
	}
	if l.earliest, err = offsets(ctx, at, partitions, cluster.Earliest); err != nil {
		return l, err
	}
	l.ended, err = offsets(ctx, at, partitions, cluster.Latest)
	return l, err
}

func offsets(ctx context.Context, c *cluster.Cluster, partitions []cluster.Partition, at int64) (map[string]int64, error) {
	got, err := c.Offsets(ctx, partitions, at, true)
	bySplit := map[string]int64{}
	for p, offset := range got {
		bySplit[fmt.Sprintf("%s/%d", p.Topic, p.ID)] = offset
	}
	return bySplit, err
}

// lag is how many records of the log come after what was read.
func (l topicLog) lag(read []version.Extent) (n int64) {
	for split, end := range l.ended {
		from := l.earliest[split]
		for _, e := range read {
			if e.Split == split {
				from = max(from, e.To)
			}
		}
		n += max(0, end-from)
	}
	return n
}
