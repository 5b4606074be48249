package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/source/kafka/topic"
)

func newTopic(p *program) *cobra.Command {
	parent := &cobra.Command{Use: "topic", Short: "Manage the topic of the clicks", Args: cobra.NoArgs}
	var partitions int32
	create := &cobra.Command{
		Use:   "create",
		Short: "Create the topic, keeping records for ever",
		Long: `Create the topic with retention.ms=-1. The number of partitions is how many tasks can read it,
and should not change later: a user's clicks would move to another partition.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.createTopic(cmd.Context(), partitions) },
	}
	p.clusterFlags(create)
	create.Flags().Int32Var(&partitions, "partitions", defaultPartitions, "number of partitions")
	parent.AddCommand(create)
	return parent
}

func (p *program) createTopic(ctx context.Context, partitions int32) (err error) {
	if partitions < 1 {
		return fmt.Errorf("--partitions %d: a topic has at least one partition", partitions)
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	created, err := topic.Create(ctx, c.brokers, topic.Spec{Name: p.topic, Partitions: partitions, Configs: keepForever})
	switch {
	case errors.Is(err, topic.ErrExists):
		return fmt.Errorf("%w; --topic names it", err)
	case err != nil:
		return err
	case created:
		p.say("Created topic %s with %d partitions on the %s.", p.topic, partitions, c)
	default:
		p.say("Topic %s is there already, with %d partitions, on the %s.", p.topic, partitions, c)
	}
	return nil
}
