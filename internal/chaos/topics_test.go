//go:build integration

package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/source/kafka/topic"
)

const partitions = 4

// publish makes a topic of the log that the seed gives, and returns the log.
func publish(ctx context.Context, brokers, name string, seed uint64, events int) (oracle.Log, error) {
	if _, err := topic.Create(ctx, []string{brokers}, topic.Spec{Name: name, Partitions: partitions}); err != nil {
		return nil, err
	}
	config := loggen.Config{Seed: seed, Events: events, Users: max(1, events/8), Length: max(hour, int64(events)*30)}
	log := loggen.Split(config.All(), partitions, loggen.ByUser)
	p, err := kafka.NewProducer([]string{brokers})
	if err != nil {
		return nil, err
	}
	// In the order of arrival within each partition; the partitioner sends each user where the log has the user.
	for _, events := range log {
		for _, e := range events {
			value, err := clicksOf.Append(nil, e)
			if err != nil {
				return nil, err
			}
			if err := p.Send(ctx, name, &kafka.Message{Key: []byte(e.Key), Value: value, Time: time.UnixMilli(e.Timestamp)}); err != nil {
				return nil, err
			}
		}
	}
	if err := p.Flush(ctx); err != nil {
		return nil, err
	}
	return log, p.Close()
}

// readTopic reads all that a topic holds now.
func readTopic(ctx context.Context, brokers, name string, isolation sarama.IsolationLevel) (all []*sarama.ConsumerMessage, err error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_1_0_0
	config.Consumer.IsolationLevel = isolation
	client, err := sarama.NewClient([]string{brokers}, config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	for p := range int32(partitions) {
		messages, err := readPartition(ctx, client, consumer, name, p)
		if err != nil {
			return nil, fmt.Errorf("topic %s, partition %d: %w", name, p, err)
		}
		all = append(all, messages...)
	}
	return all, nil
}

// readPartition reads up to where a mark that it writes itself stands: offsets alone do not tell which records of transactions can be read.
func readPartition(ctx context.Context, client sarama.Client, consumer sarama.Consumer, name string, p int32) (all []*sarama.ConsumerMessage, err error) {
	mark, err := writeMark(client, name, p)
	if err != nil {
		return nil, err
	}
	pc, err := consumer.ConsumePartition(name, p, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pc.Close() }() // only read
	for {
		select {
		case m := <-pc.Messages():
			if m.Offset >= mark {
				return all, nil
			}
			all = append(all, m)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func writeMark(client sarama.Client, name string, p int32) (offset int64, err error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_1_0_0
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	var addresses []string
	for _, b := range client.Brokers() {
		addresses = append(addresses, b.Addr())
	}
	producer, err := sarama.NewSyncProducer(addresses, config)
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	_, offset, err = producer.SendMessage(&sarama.ProducerMessage{Topic: name, Partition: p, Key: sarama.StringEncoder("mark"), Value: sarama.StringEncoder("mark")})
	return offset, err
}
