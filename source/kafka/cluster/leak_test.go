package cluster

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine ends with what started it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
