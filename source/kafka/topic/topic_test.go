package topic_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/embedded"
	"github.com/millrace/millrace/source/kafka/topic"
)

func TestCreateAndDescribe(t *testing.T) {
	b, err := embedded.Start("")
	require.NoError(t, err)
	defer b.Close()
	spec := topic.Spec{Name: "clicks", Partitions: 4, Configs: map[string]string{"retention.ms": "-1"}}
	created, err := topic.Create(t.Context(), b.Addrs(), spec)
	require.NoError(t, err)
	require.True(t, created)
	created, err = topic.Create(t.Context(), b.Addrs(), spec)
	require.NoError(t, err)
	require.False(t, created)

	spec.Partitions = 8
	_, err = topic.Create(t.Context(), b.Addrs(), spec)
	require.ErrorIs(t, err, topic.ErrExists)
	require.ErrorContains(t, err, "clicks has 4, 8 were asked for")

	d, err := topic.Describe(t.Context(), b.Addrs(), "clicks", cluster.Config{})
	require.NoError(t, err)
	require.EqualValues(t, 4, d.Partitions)
	require.EqualValues(t, 1, d.Replication)
	require.Equal(t, "-1", d.Configs["retention.ms"])

	_, err = topic.Describe(t.Context(), b.Addrs(), "nothing", cluster.Config{})
	require.ErrorIs(t, err, topic.ErrMissing)
	_, err = topic.Create(t.Context(), b.Addrs(), topic.Spec{Name: "x"})
	require.ErrorContains(t, err, "at least one partition")
}

func TestRefusedSettings(t *testing.T) {
	b, err := embedded.Start("")
	require.NoError(t, err)
	defer b.Close()
	_, err = topic.Create(t.Context(), b.Addrs(), topic.Spec{Name: "x", Partitions: 1, Replication: 3})
	require.ErrorContains(t, err, "creating kafka topic x")
}

func broker(t *testing.T) []string {
	b, err := embedded.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b.Addrs()
}

func TestCutHistory(t *testing.T) { cutHistory(t, broker(t)) }

// A topic that nobody declared keeps its records for Kafka's seven days.
func TestCheckUndeclaredTopic(t *testing.T) {
	brokers := broker(t)
	_, err := topic.Create(t.Context(), brokers, topic.Spec{Name: "clicks", Partitions: 2})
	require.NoError(t, err)
	s := topic.Spec{Name: "clicks", Partitions: 4, Retention: topic.Forever, Tiered: &topic.Tiered{}}
	report, err := topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	require.False(t, report.Keeps())
	require.Equal(t, topic.Loses, report.Findings[0].Severity, "the worst comes first")
	f := finding(t, report, "retention.ms")
	require.Equal(t, topic.Compared{Name: "retention.ms", Actual: "7d", Wanted: "forever", Origin: topic.FromDefault}, f.Compared)
	f = finding(t, report, "partitions")
	require.Equal(t, topic.Breaks, f.Severity)
	require.Equal(t, topic.Compared{Name: "partitions", Actual: "2", Wanted: "4"}, f.Compared)
	require.Equal(t, "not known to the broker", finding(t, report, "remote.storage.enable").Actual)

	mend(t, brokers, "clicks", finding(t, report, "retention.ms").Mend)
	s = topic.Spec{Name: "clicks", Retention: 7 * 365 * 24 * time.Hour}
	report, err = topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	require.True(t, report.Keeps(), "%v", report.Findings)
	require.Equal(t, "records stay longer than declared", finding(t, report, "retention.ms").Problem)

	text, err := json.Marshal(report)
	require.NoError(t, err)
	var again topic.Report
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, report, again)
}

func TestCheckNeedsDeclaration(t *testing.T) {
	brokers := broker(t)
	_, err := topic.Check(t.Context(), brokers, topic.Spec{Name: "clicks"})
	require.ErrorContains(t, err, "set Retention")
	_, err = topic.Check(t.Context(), brokers, topic.Spec{Name: "clicks", Retention: topic.Forever})
	require.ErrorIs(t, err, topic.ErrMissing)
}

func TestTieringIsRefusedWithoutIt(t *testing.T) {
	_, err := topic.Create(t.Context(), broker(t), topic.Spec{Name: "x", Partitions: 1, Retention: topic.Forever, Tiered: &topic.Tiered{}})
	require.ErrorIs(t, err, topic.ErrNoTiering)
}

func TestWrongDeclarations(t *testing.T) {
	for want, s := range map[string]topic.Spec{
		"it has no name":                        {Partitions: 1},
		"use Forever or a span":                 {Name: "x", Partitions: 1, Retention: -2},
		"must not be negative":                  {Name: "x", Partitions: 1, Replication: -1},
		"belongs to a topic with a retention":   {Name: "x", Partitions: 1, Tiered: &topic.Tiered{}},
		"exceeds the replication":               {Name: "x", Partitions: 1, Replication: 2, MinInSync: 3},
		"local retention 8d exceeds":            {Name: "x", Partitions: 1, Retention: 7 * 24 * time.Hour, Tiered: &topic.Tiered{LocalRetention: 8 * 24 * time.Hour}},
		"retention.ms is declared twice, as -1": {Name: "x", Partitions: 1, Retention: topic.Forever, Configs: map[string]string{"retention.ms": "5"}},
	} {
		_, err := topic.Create(t.Context(), []string{"127.0.0.1:1"}, s)
		require.ErrorContains(t, err, want)
	}
}

// Copies, on a cluster of three.
func TestCheckCopies(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(3))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	brokers := c.ListenAddrs()
	check := func(s topic.Spec) topic.Report {
		s.Retention = topic.Forever
		report, err := topic.Check(t.Context(), brokers, s)
		require.NoError(t, err)
		return report
	}
	for _, n := range []int16{1, 2, 3} {
		name := fmt.Sprint("copies-", n)
		_, err := topic.Create(t.Context(), brokers, topic.Spec{Name: name, Partitions: 1, Replication: n, Retention: topic.Forever})
		require.NoError(t, err)
		report := check(topic.Spec{Name: name, Replication: n})
		require.True(t, report.Keeps(), "%v", report.Findings)
	}
	f := finding(t, check(topic.Spec{Name: "copies-1", Replication: 3}), "replication")
	require.Equal(t, topic.Loses, f.Severity)
	require.Equal(t, topic.Compared{Name: "replication", Actual: "1", Wanted: "3"}, f.Compared)
	require.Contains(t, f.Mend, "kafka-reassign-partitions.sh")
	require.Contains(t, f.Mend, "with 3 replicas")
	require.Equal(t, topic.Loses, finding(t, check(topic.Spec{Name: "copies-1"}), "replication").Severity, "nobody declared it, and there are brokers enough")
	require.Equal(t, topic.Note, finding(t, check(topic.Spec{Name: "copies-2"}), "replication").Severity)
	require.True(t, check(topic.Spec{Name: "copies-3"}).Keeps())

	d, err := topic.Describe(t.Context(), brokers, "copies-3", cluster.Config{})
	require.NoError(t, err)
	require.Equal(t, "2", d.Configs["min.insync.replicas"])
	alter(t, brokers, "copies-3", "min.insync.replicas=1")
	f = finding(t, check(topic.Spec{Name: "copies-3", Replication: 3}), "min.insync.replicas")
	require.Equal(t, topic.Loses, f.Severity)
	require.Contains(t, f.Problem, "acknowledged with 1 of 3 copies")
	mend(t, brokers, "copies-3", f.Mend)
	require.True(t, check(topic.Spec{Name: "copies-3", Replication: 3}).Keeps())
}
