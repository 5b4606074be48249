package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/topic"
)

// recreate deletes a topic and makes it again, with n records in partition 0.
func recreate(t testing.TB, brokers []string, name string, partitions int32, n int) {
	was, err := topic.Describe(t.Context(), brokers, name, cluster.Config{})
	require.NoError(t, err)
	require.NoError(t, administrator(t, brokers).DeleteTopic(name))
	require.Eventually(t, func() bool { // creating succeeds also where the old one is still known
		if _, err := topic.Create(t.Context(), brokers, topic.Spec{Name: name, Partitions: partitions, Replication: 1}); err != nil {
			return false
		}
		is, err := topic.Describe(t.Context(), brokers, name, cluster.Config{})
		return err == nil && is.Partitions == partitions && is.Incarnation != was.Incarnation
	}, 20*time.Second, 100*time.Millisecond)
	<-time.After(50 * time.Millisecond) // a real cluster takes longer than the embedded one
	if n > 0 {
		produce(t, brokers, clientConfig(t), numbered(name, 0, 0, n)...)
	}
}

// fetchUntilError reads until an error comes, and says what was read before.
func fetchUntilError(t testing.TB, r source.Reader[record]) (got []record, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		c, err := r.Fetch(ctx)
		if err != nil {
			return got, err
		}
		got = append(got, walk(t, c)...)
	}
}

// While a reader is not asking, its topic is deleted, made again and filled beyond the reader's position: to the broker the next request is as good as any.
func TestTopicRecreatedBetweenFetches(t *testing.T) {
	brokers := testBrokers(t)
	for label, records := range map[string]int{"longer": 40, "as long": 5, "shorter": 2, "empty": 0} {
		t.Run(label, func(t *testing.T) {
			name := newTopic(t, brokers, 1, nil)
			produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
			r := reader(t, src(brokers, name))
			require.Len(t, readSome(t, r, 5), 5)
			recreate(t, brokers, name, 1, records)
			got, err := fetchUntilError(t, r)
			require.ErrorIs(t, err, kafka.ErrTopicGone)
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, "start with fresh state")
			require.False(t, source.IsTemporary(err))
			require.Empty(t, got, "records of another log")
		})
	}
}

// The same while a request of the reader is waiting at the broker.
func TestTopicRecreatedWhileARequestWaits(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
	r := reader(t, src(brokers, name))
	require.Len(t, readSome(t, r, 5), 5)
	type end struct {
		got []record
		err error
	}
	ended := make(chan end)
	go func() {
		var e end
		e.got, e.err = fetchUntilError(t, r)
		ended <- e
	}()
	recreate(t, brokers, name, 1, 40)
	e := <-ended
	require.ErrorIs(t, e.err, kafka.ErrTopicGone)
	require.Empty(t, e.got, "records of another log")
}

// A topic is made again between the listing of its splits and the first request.
func TestTopicRecreatedBeforeTheFirstFetch(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 2, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
	s := open(t, src(brokers, name))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	recreate(t, brokers, name, 2, 40)
	r, err := s.Reader(t.Context(), splits[0], 3)
	require.NoError(t, err)
	got, err := fetchUntilError(t, r)
	require.ErrorIs(t, err, kafka.ErrTopicGone)
	require.Empty(t, got)
	require.NoError(t, r.Close())
	_, err = s.Splits(t.Context())
	require.ErrorIs(t, err, kafka.ErrTopicGone)
	require.False(t, errors.Is(err, kafka.ErrTopicMissing) || source.IsTemporary(err))
}
