//go:build !integration

package s3_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine ends with what started it. With real servers the tests have clients of their own, whose connections stay a while.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
