//go:build !integration

package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/embedded"
)

// testBrokers are the addresses of the broker that the suite runs on: here the embedded one.
func testBrokers(t testing.TB) []string {
	b, err := embedded.Start("", embedded.MaxMessageBytes(32<<20))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b.Addrs()
}
