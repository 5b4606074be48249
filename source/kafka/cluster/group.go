package cluster

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// Committed reads the offsets that group committed for the partitions; those without one are missing from the result.
// Offsets of transactions that are still being settled are waited for.
func (c *Cluster) Committed(ctx context.Context, group string, partitions []Partition) (map[Partition]int64, error) {
	commits, err := c.Commits(ctx, group, partitions)
	if err != nil {
		return nil, err
	}
	got := make(map[Partition]int64, len(commits))
	for p, commit := range commits {
		got[p] = commit.Offset
	}
	return got, nil
}

// Commit is what a group committed for a partition.
type Commit struct {
	Offset   int64
	Metadata string
}

// Commits is Committed with what was noted beside the offsets.
func (c *Cluster) Commits(ctx context.Context, group string, partitions []Partition) (map[Partition]Commit, error) {
	byTopic := make(map[string][]int32)
	for _, p := range partitions {
		byTopic[p.Topic] = append(byTopic[p.Topic], p.ID)
	}
	var got map[Partition]Commit
	err := c.onCoordinator(ctx, group, func(b *sarama.Broker) error {
		req := &sarama.OffsetFetchRequest{Version: 7, ConsumerGroup: group, RequireStable: true}
		for topic, ids := range byTopic {
			for _, id := range ids {
				req.AddPartition(topic, id)
			}
		}
		resp, err := b.FetchOffset(req)
		if err != nil {
			return err
		}
		got = make(map[Partition]Commit, len(partitions))
		if resp.Err == sarama.ErrGroupIDNotFound { // what some brokers say of a group that never committed
			return nil
		}
		if resp.Err != sarama.ErrNoError {
			return resp.Err
		}
		for _, p := range partitions {
			block := resp.GetBlock(p.Topic, p.ID)
			if block == nil || block.Err == sarama.ErrGroupIDNotFound {
				continue
			}
			if block.Err != sarama.ErrNoError {
				return fmt.Errorf("%s/%d: %w", p.Topic, p.ID, block.Err)
			}
			if block.Offset >= 0 {
				got[p] = Commit{block.Offset, block.Metadata}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("committed offsets of consumer group %q: %w", group, err)
	}
	return got, nil
}

// Commit sets the group's offsets, each the next to read. The group must have no members that consume through it.
func (c *Cluster) Commit(ctx context.Context, group string, offsets map[Partition]int64) error {
	if len(offsets) == 0 {
		return nil
	}
	err := c.onCoordinator(ctx, group, func(b *sarama.Broker) error {
		req := sarama.NewOffsetCommitRequest(c.conf, group)
		for p, offset := range offsets {
			req.AddBlock(p.Topic, p.ID, offset, -1, "")
		}
		resp, err := b.CommitOffset(req)
		if err != nil {
			return err
		}
		for topic, errs := range resp.Errors {
			for id, kerr := range errs {
				if kerr != sarama.ErrNoError {
					return fmt.Errorf("%s/%d: %w", topic, id, kerr)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("committing offsets to consumer group %q: %w", group, err)
	}
	return nil
}

func (c *Cluster) onCoordinator(ctx context.Context, group string, request func(*sarama.Broker) error) error {
	return c.Retry(ctx, func() error {
		addr, err := c.coordinator(ctx, group)
		if err != nil {
			return err
		}
		return c.On(ctx, addr, request)
	})
}
