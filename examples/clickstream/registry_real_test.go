//go:build integration

package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
)

// TestRealRegistry has the answers of the data come out of Apache Kafka with a real schema registry: from a topic with both versions of the event, framed and
// plain, and from one that produce wrote.
func TestRealRegistry(t *testing.T) {
	brokers, registry := server(t, "MILLRACE_TEST_KAFKA"), ondemand.Need(t, "registry")["url"]
	in := filepath.Join(testdata, "ecom.jsonl.gz")
	for _, mixed := range []bool{true, false} {
		data, topic := t.TempDir(), fmt.Sprintf("registry-%d", time.Now().UnixNano())
		common := []string{"--brokers", brokers, "--topic", topic, "--data", data}
		through := append([]string{"--registry", registry}, common...)
		do(t, append([]string{"topic", "create"}, common...)...)
		path := filepath.Join(data, "s.csv")
		run := append([]string{"run", "--until-end", "--group", topic, "--sink", "csv:" + path}, through...)
		if mixed {
			publishMixed(t, in, []string{brokers}, through...)
			run = append(run, "--accept-plain")
		} else {
			do(t, append([]string{"produce", "--in", in}, through...)...)
		}
		require.Contains(t, do(t, run...), fmt.Sprintf("versions of subject %s-value in the schema registry http://", topic))
		same(t, wantSessions(t, "ecom-sessions-30m.csv.gz"), csvSessions(t, path))
	}
}
