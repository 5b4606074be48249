package kafka

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrTopicMissing is wrapped by what listing the splits returns when a topic or partition to read does not exist.
	ErrTopicMissing = errors.New("does not exist")
	// ErrTopicGone is wrapped by what a Reader returns when its topic was deleted, or deleted and created again: its offsets mean nothing any more.
	ErrTopicGone = errors.New("was deleted")
	// ErrOffsetOutOfRange is wrapped by what a Reader returns when its position is not, or no longer, in the log.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrBatchTooLarge is wrapped by what a Reader returns when a record batch exceeds MaxBatchBytes.
	ErrBatchTooLarge = errors.New("record batch too large")
)

// final reports whether err is one that no waiting mends, whatever it wraps.
func final(err error) bool {
	for _, e := range []error{ErrTopicMissing, ErrTopicGone, ErrOffsetOutOfRange, ErrBatchTooLarge, errDamaged} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func errMissing(topics []string, brokers string) error {
	return fmt.Errorf("kafka topic %s %w on %s: create it, for example with `kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions 4`, or correct the name",
		strings.Join(topics, ", "), ErrTopicMissing, brokers, brokers, topics[0])
}

func errRecreated(topic string) error {
	return fmt.Errorf("kafka topic %s %w and created again while it was read: its offsets belong to another log, start with fresh state", topic, ErrTopicGone)
}

func errDeleted(topic string) error {
	return fmt.Errorf("kafka topic %s %w while it was read; make it again and start with fresh state, or read another", topic, ErrTopicGone)
}
