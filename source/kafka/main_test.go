package kafka_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine must end with what started it; the one that is left belongs to sarama's metrics library.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
