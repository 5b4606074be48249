package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/embedded"
	"github.com/millrace/millrace/source/kafka/topic"
)

// ownBroker is a broker of a test's own, for commands that are given --brokers.
func ownBroker(t *testing.T) (flags []string) {
	b, err := embedded.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return []string{"--brokers", b.Addrs()[0], "--data", t.TempDir()}
}

func admin(t *testing.T, flags []string) sarama.ClusterAdmin {
	conf, err := cluster.Config{}.Sarama()
	require.NoError(t, err)
	conf.Metadata.Full = true
	a, err := sarama.NewClusterAdmin(flags[1:2], conf)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestTopicCheck(t *testing.T) {
	flags := ownBroker(t)
	check := append([]string{"topic", "check"}, flags...)
	require.Contains(t, refuse(t, check...), "topic does not exist: raw-clickstream-events")
	do(t, append([]string{"topic", "create", "--partitions", "3"}, flags...)...)
	var out output
	_, err := command(t.Context(), nil, &out, check...)
	require.NoError(t, err)
	require.Regexp(t, `ok +retention.ms +forever +forever +topic`, out.String())
	require.Contains(t, out.String(), "The topic keeps its history as declared.")

	// A topic that somebody made by hand has Kafka's seven days.
	require.NoError(t, admin(t, flags).CreateTopic("by-hand", &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false))
	flags = append(flags, "--topic", "by-hand")
	check = append([]string{"topic", "check", "--partitions", "4", "--retention", "7y"}, flags...)
	out = output{}
	_, err = command(t.Context(), nil, &out, check...)
	require.EqualError(t, err, "topic by-hand does not keep its history as declared: 1 finding loses records, 1 finding breaks jobs or producers")
	require.Regexp(t, `loses +retention.ms +7d +7y +Kafka default`, out.String())
	require.Regexp(t, `breaks +partitions +2 +4`, out.String())
	require.Contains(t, out.String(), "records are deleted 7d after their timestamp")
	require.Contains(t, out.String(), "--entity-name by-hand --add-config retention.ms=220752000000")

	out = output{}
	_, err = command(t.Context(), nil, &out, append(check, "--json")...)
	require.Error(t, err)
	var report topic.Report
	require.NoError(t, json.Unmarshal([]byte(out.String()), &report))
	require.Equal(t, topic.Loses, report.Worst())

	require.Contains(t, do(t, append([]string{"topic", "create", "--partitions", "2"}, flags...)...), "Topic by-hand loses history (retention.ms is 7d)")
	in := filepath.Join(t.TempDir(), "clicks.jsonl")
	require.NoError(t, os.WriteFile(in, []byte(line("ann", 1, "view")), 0o644))
	require.Contains(t, do(t, append([]string{"produce", "--in", in}, flags...)...), "loses history", "a replay will lack it, and now is the time to say so")
}

func TestTopicFlags(t *testing.T) {
	flags := ownBroker(t)
	for want, args := range map[string][]string{
		"--retention: span \"soon\"":          {"--retention", "soon"},
		"use it with --tiered":                {"--local-retention", "7d"},
		"--local-retention: span \"x\"":       {"--tiered", "--local-retention", "x"},
		"then leave out --tiered":             {"--tiered", "--local-retention", "forever"},
		"local retention 8d exceeds":          {"--tiered", "--local-retention", "8d", "--retention", "7d"},
		"the brokers offer no tiered storage": {"--tiered"},
		"Replication-factor is invalid":       {"--replication", "3"},
	} {
		require.Regexp(t, want, refuse(t, append(append([]string{"topic", "create"}, args...), flags...)...))
	}
}

// A group whose next clicks were deleted does not go on as if nothing had been.
func TestCutHistoryIsRefused(t *testing.T) {
	flags := ownBroker(t)
	in := filepath.Join(t.TempDir(), "clicks.jsonl")
	publish := func(lines ...string) {
		var text string
		for _, l := range lines {
			text += l
		}
		require.NoError(t, os.WriteFile(in, []byte(text), 0o644))
		do(t, append([]string{"produce", "--in", in}, flags...)...)
	}
	run := append([]string{"run", "--until-end", "--no-drain"}, flags...)
	do(t, append([]string{"topic", "create", "--partitions", "1"}, flags...)...)
	publish(line("ann", 1, "view"), line("ann", 2, "view"))
	do(t, run...)
	publish(line("ann", 3, "view"), line("bob", 4, "view"), line("bob", 500, "view"))
	require.NoError(t, admin(t, flags).DeleteRecords(defaultTopic, map[int32]int64{0: 3}))

	got := refuse(t, run...)
	require.Contains(t, got, "split raw-clickstream-events/0 goes on at 2, the log begins at 3 now: 1 positions are gone")
	require.Contains(t, got, "--allow-cut-history")
	messages := do(t, append(run, "--allow-cut-history")...)
	require.Contains(t, messages, "may have begun before", "sessions that may lack a click are told")
	var out output
	_, err := command(t.Context(), nil, &out, append([]string{"topic", "check"}, flags...)...)
	require.EqualError(t, err, "topic raw-clickstream-events does not keep its history as declared: 1 finding loses records")
	require.Contains(t, out.String(), "3 records are gone from the beginning of 1 partitions")
	do(t, append([]string{"topic", "check", "--allow-cut-history"}, flags...)...)
}

func TestSecurityFlags(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	secret, junk := file("secret", "hunter2\n"), file("junk", "no certificate")
	for want, args := range map[string][]string{
		"--tls-ca: open":                          {"--tls-ca", filepath.Join(dir, "missing")},
		"holds no certificate":                    {"--tls-ca", junk},
		"--tls-cert and --tls-key belong":         {"--tls-key", junk},
		"failed to find any PEM data":             {"--tls-cert", junk, "--tls-key", junk},
		"--sasl says how":                         {"--sasl-user", "ann"},
		"--sasl kerberos: use plain":              {"--sasl", "kerberos", "--sasl-user", "ann", "--sasl-password-file", secret},
		"--sasl-user is missing":                  {"--sasl", "plain", "--sasl-password-file", secret},
		"the password is missing":                 {"--sasl", "plain", "--sasl-user", "ann"},
		"--sasl-password-file: open":              {"--sasl", "plain", "--sasl-user", "ann", "--sasl-password-file", filepath.Join(dir, "missing")},
		"connecting to broker 127.0.0.1:1: ":      {"--sasl", "plain", "--sasl-user", "ann", "--sasl-password-file", secret, "--brokers", "127.0.0.1:1"},
		"for the cluster that --brokers names":    {"--tls", "--brokers", ""},
		"connecting to broker 127.0.0.1:1: dial ": {"--tls", "--brokers", "127.0.0.1:1"},
	} {
		var out output
		all := append([]string{"topic", "check", "--brokers", "127.0.0.1:1", "--data", dir}, args...)
		if args[len(args)-1] == "" {
			all = append([]string{"topic", "check", "--data", dir}, args[:len(args)-2]...)
		}
		messages, err := command(t.Context(), nil, &out, all...)
		require.ErrorContains(t, err, want)
		require.NotContains(t, messages+out.String()+err.Error(), "hunter2")
	}
}

func TestPasswordFromTheEnvironment(t *testing.T) {
	t.Setenv(passwordVariable, "hunter2")
	s := security{mechanism: "SCRAM-SHA-512", user: "ann"}
	c, err := s.config()
	require.NoError(t, err)
	require.Equal(t, cluster.SASL{Mechanism: cluster.ScramSHA512, User: "ann", Password: "hunter2"}, c.SASL)
}
