package stream_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing that a job starts outlives its Run, however that ends.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
