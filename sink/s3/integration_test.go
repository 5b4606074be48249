//go:build integration

package s3_test

import (
	"testing"

	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/sink/parquet"
	"github.com/millrace/millrace/sink/sinktest"
)

// realServer is an S3 server of its own, S3Proxy, which knows nothing of the one that the other tests run in the process.
func realServer(t *testing.T) *server {
	t.Helper()
	facts := ondemand.Need(t, "s3")
	return newServer(t, facts["url"], facts["id"], facts["secret"])
}

func TestRealServerConforms(t *testing.T) {
	conform(t, realServer(t), parquet.Format(sinktest.Columns))
}

func TestRealServer(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *server, string){
		"location belongs to one run": locationBelongsToOneRun,
		"race":                        func(t *testing.T, srv *server, prefix string) { race(t, srv, prefix) },
		"leftovers":                   leftovers,
		"never overwritten":           neverOverwritten,
		"large object":                largeObject,
	} {
		t.Run(name, func(t *testing.T) { test(t, realServer(t), "real/"+name+"/v1") })
	}
}
