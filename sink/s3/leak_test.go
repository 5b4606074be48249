package s3_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine ends with what started it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
