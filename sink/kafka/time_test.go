package kafka_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
)

// A record has its row's event time, or where Kafka has no place for that the time of writing; never one that wrapped around.
func TestTimesThatKafkaHasNoPlaceFor(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1)
	w, err := kafka.Sink(brokers, name, pairs).Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	begun := time.Now().UnixMilli()
	far := time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	times := []int64{begun - 1000, math.MinInt64, -1, 0, far, math.MaxInt64}
	for i, ts := range times {
		require.NoError(t, w.Write(t.Context(), []sink.Row[pair]{{Value: pair{string(rune('a' + i)), "v"}, Timestamp: ts}}))
	}
	require.NoError(t, w.Close())
	for i, raw := range written(t, brokers, name)[0] {
		if want := times[i]; want >= 0 && want < far {
			require.Equal(t, want, raw.Timestamp)
			continue
		}
		require.InDelta(t, begun, raw.Timestamp, 600_000, "row %d", i)
	}

	at := kafka.EncoderFunc[time.Time](func(m *kafka.Message, at time.Time) error {
		m.Key, m.Value, m.Time = []byte("k"), []byte{}, at
		return nil
	})
	timed, err := kafka.Sink(brokers, name, at).Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	for _, bad := range []time.Time{time.UnixMilli(far), time.UnixMilli(-1), time.Unix(math.MaxInt64, 0), time.UnixMilli(math.MinInt64)} {
		err := timed.Write(t.Context(), []sink.Row[time.Time]{{Value: bad}})
		require.ErrorContains(t, err, `key "k"`)
		require.ErrorContains(t, err, "Message.Time")
		require.False(t, sink.IsTemporary(err))
	}
	require.NoError(t, timed.Close())
}
