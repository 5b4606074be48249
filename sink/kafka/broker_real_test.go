//go:build integration

package kafka_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// testBrokers are the addresses of the broker that the suite runs on: here the real one.
func testBrokers(t testing.TB) []string { return []string{env(t, "MILLRACE_TEST_KAFKA")} }

func env(t testing.TB, name string) string {
	v := os.Getenv(name)
	require.NotEmpty(t, v, "%s is not set: run `make integration`, which starts the servers", name)
	return v
}
