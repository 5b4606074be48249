//go:build integration

package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// An upheaval is a rare and large fault while a process runs. The process goes on.
type upheaval struct {
	kind     string
	postgres bool   // only where the sink is there
	disk     bool   // only where the disk is one that may be filled
	ends     string // what a process may end for, in its words; "" for one that must go on
	cause    func(ctx context.Context, w *world, s jobSpec) error
}

var upheavals = []upheaval{
	{kind: "database crashed", postgres: true, cause: func(ctx context.Context, w *world, _ jobSpec) error { return w.restartPostgres(ctx, true) }},
	{kind: "group rebalanced", cause: rebalance},
	{kind: "broker killed", cause: func(ctx context.Context, w *world, _ jobSpec) error { return w.restartKafka(ctx, true) }},
	{kind: "disk full", disk: true, ends: diskFull, cause: fillDisk},
	{kind: "database restarted", postgres: true, cause: func(ctx context.Context, w *world, _ jobSpec) error { return w.restartPostgres(ctx, false) }},
	{kind: "broker restarted", cause: func(ctx context.Context, w *world, _ jobSpec) error { return w.restartKafka(ctx, false) }},
	{kind: "second instance started", cause: secondInstance},
}

// secondInstance starts the same job once more beside the first, which must refuse to run and say why.
func secondInstance(_ context.Context, _ *world, s jobSpec) error {
	second, err := startProcess(s)
	if err != nil {
		return err
	}
	err = second.wait(30 * time.Second)
	if err == nil {
		return errors.New("a second process ran to the end on the state of the first")
	}
	if now, _ := second.now(); now.At > 0 || !strings.Contains(second.said(), "in use by another process") {
		return fmt.Errorf("a second process was not refused for the state's lock: it was at %d: %w", now.At, err)
	}
	return nil
}

// rebalance has a member join the consumer group that the job shows its progress under, and leave. The broker refuses the job's offsets meanwhile.
func rebalance(ctx context.Context, w *world, s jobSpec) error {
	config := sarama.NewConfig()
	config.Version = sarama.V2_1_0_0
	group, err := sarama.NewConsumerGroup([]string{w.kafka.Plaintext}, s.Group, config)
	if err != nil {
		return err
	}
	defer group.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	m := &member{leave: cancel}
	err = group.Consume(ctx, []string{s.Topic}, m)
	if !m.joined {
		return fmt.Errorf("the member did not come to join the group: %w", errors.Join(err, ctx.Err()))
	}
	return nil
}

// member is in the group for a moment.
type member struct {
	joined bool
	leave  context.CancelFunc
}

// Setup implements sarama.ConsumerGroupHandler.
func (m *member) Setup(sarama.ConsumerGroupSession) error {
	m.joined = true
	time.AfterFunc(500*time.Millisecond, m.leave)
	return nil
}

// Cleanup implements sarama.ConsumerGroupHandler.
func (*member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim implements sarama.ConsumerGroupHandler.
func (*member) ConsumeClaim(s sarama.ConsumerGroupSession, _ sarama.ConsumerGroupClaim) error {
	<-s.Context().Done()
	return nil
}
