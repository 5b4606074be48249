package clock

import (
	"strings"
	"testing"
)

// Spans between two looks at the real clock do not change when somebody sets it: what was read keeps the monotonic reading. Idleness, the buffer timeout, rates
// and checkpoint intervals count on that.
func TestRealTimeIsMonotonic(t *testing.T) {
	now := Real{}.Now()
	if !strings.Contains(now.String(), " m=") {
		t.Fatalf("%s has no monotonic reading", now)
	}
	ring, stop := Real{}.After(0)
	defer stop()
	if rung := <-ring; rung.Sub(now) < 0 {
		t.Fatalf("%s rang before %s", rung, now)
	}
}
