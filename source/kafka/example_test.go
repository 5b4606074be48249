package kafka_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/source/kafka"
)

// A source that starts where a group stands, or at the beginning, and ends where the topic ends now. Making it connects to nothing.
func ExampleSource() {
	brokers := []string{"kafka-1.example.com:9092", "kafka-2.example.com:9092"}
	clicks := kafka.Source(brokers, "clicks", codec.String(),
		kafka.StartFrom(kafka.Committed("analytics", kafka.Earliest())),
		kafka.UntilEnd(),
	)
	fmt.Println(clicks)
	// Output: kafka topic=clicks bounded
}

// What came since a moment, as the broker's timestamps have it.
func ExampleTimestamp() {
	since := kafka.Timestamp(time.Date(2024, 1, 4, 0, 0, 0, 0, time.UTC))
	clicks := kafka.Source([]string{"kafka.example.com:9092"}, "clicks", codec.String(), kafka.StartFrom(since), kafka.ReadCommitted())
	fmt.Println(clicks)
	// Output: kafka topic=clicks read-committed
}
