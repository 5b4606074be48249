package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/source/kafka/topic"
)

// allowCutFlag is the flag that accepts that a part of the history is gone.
const allowCutFlag = "allow-cut-history"

// keepForever declares a topic with this program's defaults: clicks are published with the time they happened, so that any shorter retention would take old ones
// away at once.
func keepForever(c *kafkaCluster, name string) topic.Spec {
	return topic.Spec{Name: name, Retention: topic.Forever, Connection: c.config}
}

// shortHistory is the retention below which run and produce warn of a topic that others made.
const shortHistory = 365 * 24 * time.Hour

// declaration is the flags that say what the topic is to be.
type declaration struct {
	partitions     int32
	replication    int16
	retention      string
	tiered         bool
	localRetention string
}

func (d *declaration) flags(f *pflag.FlagSet, partitions int32) {
	f.Int32Var(&d.partitions, "partitions", partitions, "number of partitions")
	f.Int16Var(&d.replication, "replication", 0, "copies of each partition; 0 is the cluster's default")
	f.StringVar(&d.retention, "retention", "forever", "how long clicks stay, by their own time: forever, or a span such as 7y, 6w, 90d or 36h")
	f.BoolVar(&d.tiered, "tiered", false, "closed segments move to remote storage, where the brokers offer it")
	f.StringVar(&d.localRetention, "local-retention", "", "with --tiered, how long segments stay on the brokers' disks too: a span such as 7d; without it what the cluster says")
}

// spec is the declaration, or what is wrong with the flags.
func (d *declaration) spec(c *kafkaCluster, name string) (s topic.Spec, err error) {
	s = keepForever(c, name)
	s.Partitions, s.Replication = d.partitions, d.replication
	if s.Retention, err = topic.ParseSpan(d.retention); err != nil {
		return s, fmt.Errorf("--retention: %w", err)
	}
	if d.tiered {
		s.Tiered = &topic.Tiered{}
	}
	if d.localRetention == "" {
		return s, nil
	}
	var local time.Duration
	switch local, err = topic.ParseSpan(d.localRetention); {
	case !d.tiered:
		return s, errors.New("--local-retention says what stays on the brokers' disks beside remote storage: use it with --tiered")
	case err != nil:
		return s, fmt.Errorf("--local-retention: %w", err)
	case local == topic.Forever:
		return s, errors.New("--local-retention forever: then leave out --tiered")
	}
	s.Tiered.LocalRetention = local
	return s, nil
}

func newTopic(p *program) *cobra.Command {
	parent := &cobra.Command{Use: "topic", Short: "Create and check the topic of the clicks", Args: cobra.NoArgs}
	parent.AddCommand(newTopicCreate(p), newTopicCheck(p))
	return parent
}

func newTopicCreate(p *program) *cobra.Command {
	var d declaration
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create the topic, keeping records for ever",
		Long: `Create the topic so that it keeps its history: no deletion before --retention, no limit on size, no compaction, and the
clicks' own times. The number of partitions is how many tasks can read it, and should not change later: a user's clicks would
move to another partition.`,
		Example: `  clickstream topic create --partitions 12
  clickstream topic create --brokers kafka:9092 --replication 3 --retention 7y --tiered --local-retention 7d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.createTopic(cmd.Context(), d) },
	}
	p.clusterFlags(cmd)
	d.flags(cmd.Flags(), defaultPartitions)
	return cmd
}

func (p *program) createTopic(ctx context.Context, d declaration) (err error) {
	if d.partitions < 1 {
		return fmt.Errorf("--partitions %d: a topic has at least one partition", d.partitions)
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	spec, err := d.spec(c, p.topic)
	if err != nil {
		return err
	}
	created, err := topic.Create(ctx, c.brokers, spec)
	switch {
	case errors.Is(err, topic.ErrExists):
		return fmt.Errorf("%w; --topic names it", err)
	case err != nil:
		return err
	case created:
		p.say("Created topic %s with %d partitions on %s.", p.topic, d.partitions, c)
	default:
		p.say("Topic %s is there already, with %d partitions, on %s.", p.topic, d.partitions, c)
		p.warnOfLoss(ctx, c, spec)
	}
	return nil
}
