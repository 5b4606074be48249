//go:build integration

package topic_test

import (
	"os"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/topic"
)

func realBrokers(t *testing.T) []string {
	v := os.Getenv("MILLRACE_TEST_KAFKA")
	require.NotEmpty(t, v, "MILLRACE_TEST_KAFKA is not set: run `make integration`, which starts the servers")
	return []string{v}
}

// Every finding that a setting can cause, on the broker that acts by it.
func TestCheckOnKafka(t *testing.T) {
	brokers := realBrokers(t)
	for setting, want := range map[string]topic.Finding{
		"retention.ms=604800000":                {Severity: topic.Loses, Problem: "records are deleted 7d after their timestamp"},
		"retention.bytes=1000000":               {Severity: topic.Loses, Problem: "oldest records are deleted when it exceeds 1000000 bytes"},
		"cleanup.policy=compact":                {Severity: topic.Loses, Problem: "compaction keeps the newest record of each key only"},
		"cleanup.policy=compact,delete":         {Severity: topic.Loses, Problem: "compaction"},
		"message.timestamp.type=LogAppendTime":  {Severity: topic.Loses, Problem: "the broker overwrites the time"},
		"message.timestamp.before.max.ms=60000": {Severity: topic.Breaks, Problem: "more than 1m0s ago"},
		"message.timestamp.after.max.ms=1000":   {Severity: topic.Breaks, Problem: "more than 1s ahead of its own clock"},
		"min.insync.replicas=2":                 {Severity: topic.Breaks, Problem: "nobody can write with acks=all"},
		"unclean.leader.election.enable=true":   {Severity: topic.Loses, Problem: "may become the leader"},
		"max.message.bytes=2000000":             {Severity: topic.Note, Problem: "not the declared one"},
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			name := unique("check")
			s := topic.Spec{Name: name, Partitions: 1, Retention: topic.Forever, Configs: map[string]string{"max.message.bytes": "1000000"}}
			created, err := topic.Create(t.Context(), brokers, s)
			require.NoError(t, err)
			require.True(t, created)
			alter(t, brokers, name, setting)
			report, err := topic.Check(t.Context(), brokers, s)
			require.NoError(t, err)
			f := finding(t, report, settingName(setting))
			require.Equal(t, want.Severity, f.Severity)
			require.Contains(t, f.Problem, want.Problem)
			require.Equal(t, topic.FromTopic, f.Origin)
			require.Equal(t, want.Severity == topic.Note, report.Keeps())
			// What it says mends it does.
			mend(t, brokers, name, f.Mend)
			report, err = topic.Check(t.Context(), brokers, s)
			require.NoError(t, err)
			require.True(t, report.Keeps(), "%v", report.Findings)
		})
	}
}

// A topic without settings of its own has the brokers'.
func TestCheckSeesBrokerDefaults(t *testing.T) {
	brokers := realBrokers(t)
	name := unique("defaults")
	_, err := topic.Create(t.Context(), brokers, topic.Spec{Name: name, Partitions: 1})
	require.NoError(t, err)
	s := topic.Spec{Name: name, Retention: topic.Forever}
	report, err := topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	require.True(t, report.Keeps(), "the test broker keeps records for ever: %v", report.Findings)

	// A span that deletes nothing of the other tests on this broker while it holds.
	admin := administrator(t, brokers)
	long, none := "3122064000000", sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationDelete}
	alterBroker := func(e sarama.IncrementalAlterConfigsEntry) {
		require.NoError(t, admin.IncrementalAlterConfig(sarama.BrokerResource, "", map[string]sarama.IncrementalAlterConfigsEntry{"log.retention.ms": e}, false))
	}
	alterBroker(sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &long})
	t.Cleanup(func() { alterBroker(none) })
	require.Eventually(t, func() bool {
		report, err = topic.Check(t.Context(), brokers, s)
		return err == nil && !report.Keeps()
	}, 10*time.Second, 50*time.Millisecond)
	f := finding(t, report, "retention.ms")
	require.Equal(t, topic.Finding{
		Compared: topic.Compared{Name: "retention.ms", Actual: "99y", Wanted: "forever", Origin: topic.FromBroker}, Severity: topic.Loses, Problem: f.Problem,
		Mend: "kafka-configs.sh --bootstrap-server " + brokers[0] + " --alter --entity-type topics --entity-name " + name + " --add-config retention.ms=-1",
	}, f)
}

// What the broker does, not what the embedded one makes of it.
func TestCreateOnKafka(t *testing.T) {
	brokers := realBrokers(t)
	s := topic.Spec{Name: unique("declared"), Partitions: 3, Retention: 7 * 365 * 24 * time.Hour, RetentionBytes: 1 << 40, Configs: map[string]string{"max.message.bytes": "2000000"}}
	_, err := topic.Create(t.Context(), brokers, s)
	require.NoError(t, err)
	d, err := topic.Describe(t.Context(), brokers, s.Name, cluster.Config{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"retention.ms": "220752000000", "retention.bytes": "1099511627776", "cleanup.policy": "delete", "message.timestamp.type": "CreateTime", "max.message.bytes": "2000000",
	}, d.Configs)
	report, err := topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	require.True(t, report.Keeps(), "%v", report.Findings)

	_, err = topic.Create(t.Context(), brokers, topic.Spec{Name: unique("tiered"), Partitions: 1, Retention: topic.Forever, Tiered: &topic.Tiered{}})
	require.ErrorIs(t, err, topic.ErrNoTiering)
	require.ErrorContains(t, err, "remote.log.storage.system.enable")
	_, err = topic.Create(t.Context(), brokers, topic.Spec{Name: unique("copies"), Partitions: 1, Replication: 3, Retention: topic.Forever})
	require.ErrorContains(t, err, "Unable to replicate the partition 3 time(s)")

	s.Tiered = &topic.Tiered{}
	report, err = topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	f := finding(t, report, "remote.storage.enable")
	require.Equal(t, topic.Breaks, f.Severity)
	require.Contains(t, f.Problem, "tiered storage is declared and off")
}

// Records that an operator deleted are missed by who read them, and told by Check.
func TestCutHistoryOnKafka(t *testing.T) { cutHistory(t, realBrokers(t)) }
