//go:build integration

package kafka_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/topic"
)

// A history that the broker's own disk no longer holds is read from its beginning.
func TestTieredHistory(t *testing.T) {
	server := ondemand.Need(t, "kafka-tiered")
	brokers := []string{server["brokers"]}
	spec := topic.Spec{
		Name: "tiered-" + time.Now().Format("150405.000000"), Partitions: 1, Retention: topic.Forever, Tiered: &topic.Tiered{LocalRetention: time.Second},
		Configs: map[string]string{"segment.bytes": "1048576"}, // the least that Kafka takes
	}
	_, err := topic.Create(t.Context(), brokers, spec)
	require.NoError(t, err)
	const count = 600
	text := strings.Repeat("x", 10_000)
	for from := 0; from < count; from += 100 { // 6 MB: five segments, and the open one
		ms := make([]*sarama.ProducerMessage, 100)
		for i := range ms {
			ms[i] = message(spec.Name, 0, text)
		}
		produce(t, brokers, clientConfig(t), ms...)
	}
	var report topic.Report
	require.Eventually(t, func() bool {
		report, err = topic.Check(t.Context(), brokers, spec)
		require.NoError(t, err)
		return report.Partitions[0].Local >= count/2
	}, 40*time.Second, 200*time.Millisecond, "the broker's disk keeps a second of what is in remote storage")
	require.True(t, report.Tiered)
	require.True(t, report.Keeps(), "%v", report.Findings)
	require.Zero(t, report.Partitions[0].Earliest)
	require.EqualValues(t, count, report.Partitions[0].End)

	first := "00000000000000000000.log"
	local, err := filepath.Glob(filepath.Join(server["data"], spec.Name+"-0", first))
	require.NoError(t, err)
	require.Empty(t, local, "the segment of offset 0 has left the broker's disk")
	remote, err := filepath.Glob(filepath.Join(server["remote"], "*", spec.Name+"-0-*", "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, remote)

	got := readAll(t, src(brokers, spec.Name, kafka.UntilEnd()))[spec.Name+"/0"]
	require.Len(t, got, count)
	for i, r := range got {
		require.EqualValues(t, i, r.Offset)
		require.True(t, text == r.Value)
	}

	// Without its declaration the state is only noted, and a broker's disk that keeps all is told.
	spec.Tiered = nil
	report, err = topic.Check(t.Context(), brokers, spec)
	require.NoError(t, err)
	require.Equal(t, topic.Note, report.Worst())
	all := topic.Spec{Name: spec.Name + "-all", Partitions: 1, Retention: topic.Forever, Tiered: &topic.Tiered{}}
	_, err = topic.Create(t.Context(), brokers, all)
	require.NoError(t, err)
	report, err = topic.Check(t.Context(), brokers, all)
	require.NoError(t, err)
	require.Equal(t, topic.Breaks, report.Worst())
	require.Contains(t, report.Findings[0].Problem, "nothing ever leaves the brokers' own disks")
}
