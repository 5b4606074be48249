//go:build integration

package s3_test

import (
	"testing"

	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/state/checkpoint/checkpointtest"
)

// The real server is S3Proxy.
func TestRealServer(t *testing.T) {
	facts := ondemand.Need(t, "s3")
	open := places(t, facts["url"], facts["id"], facts["secret"])
	checkpointtest.TestStorage(t, open, checkpointtest.Traits{Large: 20 << 20, Blind: true}) // S3Proxy does not know If-Match
	t.Run("state", func(t *testing.T) { comesBack(t, open(t)) })
}
