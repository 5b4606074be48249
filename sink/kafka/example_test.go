package kafka_test

import (
	"fmt"
	"strconv"

	"github.com/millrace/millrace/sink/kafka"
)

// Rows of one user replace each other, so they have the user as their key.
func ExampleSink() {
	type total struct {
		User   string
		Clicks int
	}
	totals := kafka.Sink([]string{"kafka.example.com:9092"}, "totals", kafka.EncoderFunc[total](func(m *kafka.Message, t total) error {
		m.Key = []byte(t.User)
		m.Value = strconv.AppendInt(nil, int64(t.Clicks), 10)
		return nil
	}))
	fmt.Println(totals)
	// Output: kafka topic=totals
}
