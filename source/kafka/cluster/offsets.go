package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
)

// Earliest and Latest are the times that ask Offsets for the first offset that is still there and for the one the next record will get.
const (
	Earliest int64 = sarama.OffsetOldest
	Latest   int64 = sarama.OffsetNewest
)

// EarliestLocal asks Offsets for the first offset on the leader's own disk. It differs from Earliest where a topic has tiered storage; only brokers that
// know of that (3.6 and newer) answer.
const EarliestLocal int64 = -4

// localVersion is the version of the request that knows EarliestLocal. Its fields are those of version 6, the newest that sarama sends by itself.
const localVersion = 8

// Offsets asks for each partition's offset at a time: Earliest, Latest, or milliseconds since the epoch for the first record with that timestamp or a
// later one, -1 where there is none. With committed, Latest is the last stable offset: what a read_committed reader can see.
func (c *Cluster) Offsets(ctx context.Context, partitions []Partition, at int64, committed bool) (map[Partition]int64, error) {
	got := make(map[Partition]int64, len(partitions))
	err := c.Retry(ctx, func() error {
		missing := slices.DeleteFunc(slices.Clone(partitions), func(p Partition) bool { _, ok := got[p]; return ok })
		return c.offsets(ctx, missing, at, committed, got)
	})
	return got, err
}

func (c *Cluster) offsets(ctx context.Context, partitions []Partition, at int64, committed bool, got map[Partition]int64) error {
	if len(partitions) == 0 {
		return nil
	}
	var topics []string
	for _, p := range partitions {
		topics = append(topics, p.Topic)
	}
	slices.Sort(topics)
	meta, err := c.Metadata(ctx, slices.Compact(topics)...)
	if err != nil {
		return err
	}
	byLeader := make(map[string][]Partition)
	for _, p := range partitions {
		l := meta.Leader(p)
		if l.Err != nil {
			return fmt.Errorf("%s/%d: %w", p.Topic, p.ID, l.Err)
		}
		byLeader[l.Addr] = append(byLeader[l.Addr], p)
	}
	for addr, ps := range byLeader {
		if err := c.offsetsOn(ctx, addr, ps, at, committed, got); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) offsetsOn(ctx context.Context, addr string, ps []Partition, at int64, committed bool, got map[Partition]int64) error {
	req := sarama.NewOffsetRequest(c.conf.Version)
	if at == EarliestLocal {
		req.Version = localVersion
	}
	if committed {
		req.IsolationLevel = sarama.ReadCommitted
	}
	for _, p := range ps {
		req.AddBlock(p.Topic, p.ID, at, 1)
	}
	return c.On(ctx, addr, func(b *sarama.Broker) error {
		resp, err := b.GetAvailableOffsets(req)
		if err != nil {
			return err
		}
		for _, p := range ps {
			block := resp.GetBlock(p.Topic, p.ID)
			if block == nil {
				return fmt.Errorf("offsets of %s/%d from broker %s: %w", p.Topic, p.ID, addr, sarama.ErrIncompleteResponse)
			}
			if block.Err != sarama.ErrNoError {
				return fmt.Errorf("offsets of %s/%d from broker %s: %w", p.Topic, p.ID, addr, block.Err)
			}
			got[p] = block.Offset
		}
		return nil
	})
}
