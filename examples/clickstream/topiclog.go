package main

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/source/kafka/topic"
)

// topicLog is what a topic holds at one moment.
type topicLog []topic.Extent

// log asks a topic what it holds.
func (c *kafkaCluster) log(ctx context.Context, name string) (topicLog, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return topic.Extents(ctx, c.brokers, name, c.config)
}

// lag is how many records of the log come after what was read.
func (l topicLog) lag(read []version.Extent) (n int64) {
	for _, now := range l {
		from := now.From
		for _, e := range read {
			if e.Split == now.Split {
				from = max(from, e.To)
			}
		}
		n += max(0, now.To-from)
	}
	return n
}

// guardHistory refuses to begin from the earliest click where the topic no longer has what another version of the result was computed from: the versions
// would differ by what is gone, and not by their definitions.
func (p *program) guardHistory(ctx context.Context, c *kafkaCluster, s settings, list version.Listing) error {
	if s.restored || s.allowCut || s.from != fromEarliest {
		return nil
	}
	now, err := c.log(ctx, p.topic)
	if err != nil {
		return err
	}
	for _, v := range list.Versions {
		if err := topic.Uncut(now, asRead(v.Log)); err != nil {
			return fmt.Errorf("version %s was computed from clicks that are no longer there: %w. To compute version %s from what is left, add --%s", v.Name, err, s.version, allowCutFlag)
		}
	}
	return nil
}

func asRead(log []version.Extent) (read []topic.Extent) {
	for _, e := range log {
		read = append(read, topic.Extent(e))
	}
	return read
}
