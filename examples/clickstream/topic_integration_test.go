//go:build integration

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSecuredCluster takes clicks through a cluster that wants TLS and a login: topic tools, producer, source, and a sink.
func TestSecuredCluster(t *testing.T) {
	password := server(t, "MILLRACE_TEST_KAFKA_PASSWORD")
	name := fmt.Sprintf("secured-%d", time.Now().UnixNano())
	flags := []string{
		"--brokers", server(t, "MILLRACE_TEST_KAFKA_SASL"), "--tls-ca", server(t, "MILLRACE_TEST_KAFKA_CA"), "--sasl-user", server(t, "MILLRACE_TEST_KAFKA_USER"),
		"--topic", name, "--data", t.TempDir(),
	}
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte(password+"\n"), 0o600))
	var said string
	step := func(how []string, args ...string) {
		said += do(t, append(append(args, how...), flags...)...)
	}
	byFile, byVariable := []string{"--sasl", "scram-sha-512", "--sasl-password-file", secret}, []string{"--sasl", "plain"}
	step(byFile, "topic", "create", "--partitions", "2", "--retention", "7y")
	step(byFile, "produce", "--in", filepath.Join(testdata, "ecom.jsonl.gz"))
	t.Setenv(passwordVariable, password)
	step(byVariable, "topic", "check", "--partitions", "2", "--retention", "7y")
	step(byVariable, "run", "--until-end", "--group", name, "--sink", "kafka:"+name+"-sessions")
	require.Contains(t, said, "3,605")
	require.NotContains(t, said, password)

	t.Setenv(passwordVariable, "hunter2")
	got := refuse(t, append([]string{"topic", "check", "--sasl", "scram-sha-512"}, flags...)...)
	require.Contains(t, got, "connecting to broker")
	require.NotContains(t, got, "hunter2")
}
