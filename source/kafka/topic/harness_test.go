package topic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/topic"
)

func unique(name string) string { return fmt.Sprintf("%s-%d", name, time.Now().UnixNano()) }

func administrator(t *testing.T, brokers []string) sarama.ClusterAdmin {
	conf, err := cluster.Config{ClientID: "test"}.Sarama()
	require.NoError(t, err)
	conf.Metadata.Full = true
	admin, err := sarama.NewClusterAdmin(brokers, conf)
	require.NoError(t, err)
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

func settingName(setting string) string {
	name, _, _ := strings.Cut(setting, "=")
	return name
}

// alter gives a topic a setting, "name=value", and waits until it holds.
func alter(t *testing.T, brokers []string, name, setting string) {
	key, value, _ := strings.Cut(setting, "=")
	set := map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}
	require.NoError(t, administrator(t, brokers).IncrementalAlterConfig(sarama.TopicResource, name, set, false))
	require.Eventually(t, func() bool { // brokers hear of it a moment later
		d, err := topic.Describe(t.Context(), brokers, name, cluster.Config{})
		return err == nil && d.Configs[key] == value
	}, 10*time.Second, 10*time.Millisecond)
}

// mend does what a finding's command does.
func mend(t *testing.T, brokers []string, name, command string) {
	_, setting, ok := strings.Cut(command, "kafka-configs.sh --bootstrap-server "+strings.Join(brokers, ",")+" --alter --entity-type topics --entity-name "+name+" --add-config ")
	require.True(t, ok, command)
	alter(t, brokers, name, setting)
}

func finding(t *testing.T, r topic.Report, name string) topic.Finding {
	for _, f := range r.Findings {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("nothing was found about %s: %v", name, r.Findings)
	return topic.Finding{}
}

// publish writes n records to partition 0, in one batch.
func publish(t *testing.T, brokers []string, name string, n int) {
	conf, err := cluster.Config{ClientID: "test"}.Sarama()
	require.NoError(t, err)
	conf.Producer.Return.Successes, conf.Producer.Partitioner = true, sarama.NewManualPartitioner
	p, err := sarama.NewSyncProducer(brokers, conf)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	messages := make([]*sarama.ProducerMessage, n)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: name, Value: sarama.StringEncoder("v")}
	}
	require.NoError(t, p.SendMessages(messages))
}

// cutHistory deletes records as an operator does, and demands that it is noticed.
func cutHistory(t *testing.T, brokers []string) {
	s := topic.Spec{Name: unique("cut"), Partitions: 2, Retention: topic.Forever}
	_, err := topic.Create(t.Context(), brokers, s)
	require.NoError(t, err)
	publish(t, brokers, s.Name, 100)
	then, err := topic.Extents(t.Context(), brokers, s.Name, cluster.Config{})
	require.NoError(t, err)
	require.Len(t, then, 2)
	require.Equal(t, topic.Extent{Split: s.Name + "/0", Incarnation: then[0].Incarnation, To: 100}, then[0])
	require.NotEmpty(t, then[0].Incarnation)

	require.NoError(t, administrator(t, brokers).DeleteRecords(s.Name, map[int32]int64{0: 30}))
	now, err := topic.Extents(t.Context(), brokers, s.Name, cluster.Config{})
	require.NoError(t, err)
	err = topic.Uncut(now, then)
	require.ErrorIs(t, err, topic.ErrCut)
	require.ErrorContains(t, err, "partition 0 was read from offset 0 and begins at 30 now: 30 records are gone (offsets 0 to 29)")
	require.Equal(t, err, topic.Verify(t.Context(), brokers, then, cluster.Config{}))
	require.NoError(t, topic.Verify(t.Context(), brokers, now, cluster.Config{}))

	report, err := topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	require.Equal(t, []topic.Held{{Partition: 0, Earliest: 30, Local: -1, End: 100}, {Partition: 1, Local: -1}}, report.Partitions)
	f := finding(t, report, "history")
	require.Equal(t, topic.Loses, f.Severity)
	require.Contains(t, f.Problem, "30 records are gone from the beginning of 1 partitions")
	s.CutAccepted = true
	report, err = topic.Check(t.Context(), brokers, s)
	require.NoError(t, err)
	require.Equal(t, topic.Note, finding(t, report, "history").Severity)
	require.True(t, report.Keeps())

	require.NoError(t, administrator(t, brokers).DeleteTopic(s.Name))
	require.Eventually(t, func() bool {
		_, err := topic.Extents(t.Context(), brokers, s.Name, cluster.Config{})
		return errors.Is(err, topic.ErrMissing)
	}, 10*time.Second, 50*time.Millisecond)
	require.ErrorIs(t, topic.Verify(t.Context(), brokers, then, cluster.Config{}), topic.ErrMissing)
	_, err = topic.Create(t.Context(), brokers, s)
	require.NoError(t, err)
	publish(t, brokers, s.Name, 200)
	now, err = topic.Extents(t.Context(), brokers, s.Name, cluster.Config{})
	require.NoError(t, err)
	require.ErrorContains(t, topic.Uncut(now, then), "deleted and created again")
}
