package kafka_test

import (
	"context"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/topic"
)

// fake is a cluster of n embedded nodes whose answers a test can spoil.
func fake(t *testing.T, n int) (*kfake.Cluster, []string) {
	c, err := kfake.NewCluster(kfake.NumBrokers(n))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()
}

func reader(t *testing.T, from source.Source[record]) source.Reader[record] {
	s := open(t, from)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], splits[0].Start)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func TestPassingFetchErrors(t *testing.T) {
	for _, e := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch, kerr.ReplicaNotAvailable,
		kerr.KafkaStorageError, kerr.OffsetNotAvailable, kerr.UnknownServerError, kerr.UnknownTopicOrPartition,
	} {
		t.Run(e.Message, func(t *testing.T) {
			c, brokers := fake(t, 1)
			name := newTopic(t, brokers, 1, nil)
			produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
			r := reader(t, src(brokers, name))
			h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: e, Count: 2})
			require.Len(t, readSome(t, r, 5), 5)
			require.Equal(t, 2, h.Hits())
		})
	}
}

func TestLeaderMoves(t *testing.T) {
	c, brokers := fake(t, 3)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
	r := reader(t, src(brokers[:1], name))
	require.Len(t, readSome(t, r, 5), 5)
	for node := range int32(3) {
		require.NoError(t, c.MoveTopicPartition(name, 0, node))
		produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 2)...)
		require.Len(t, readSome(t, r, 2), 2)
	}
}

func TestMetadataAndCoordinatorTrouble(t *testing.T) {
	c, brokers := fake(t, 1)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.NotLeaderForPartition, Count: 2})
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.CoordinatorNotAvailable, Count: 2})
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.NotCoordinator, TopLevel: true, Count: 1})
	require.Len(t, readAll(t, src(brokers, name, kafka.StartFrom(kafka.Committed("g", kafka.Earliest())), kafka.UntilEnd()))[name+"/0"], 5)
}

func TestOffsetOutOfRangeNamesTheLog(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 10)...)
	admin := administrator(t, brokers)
	require.NoError(t, admin.DeleteRecords(name, map[int32]int64{0: 4}))
	for _, at := range []int64{3, 11} {
		s := open(t, src(brokers, name))
		splits, err := s.Splits(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 4, splits[0].Start)
		r, err := s.Reader(t.Context(), splits[0], at)
		require.NoError(t, err)
		_, err = r.Fetch(t.Context())
		require.ErrorIs(t, err, kafka.ErrOffsetOutOfRange)
		require.False(t, source.IsTemporary(err))
		require.ErrorContains(t, err, name+"/0")
		require.ErrorContains(t, err, "the log has 4 to 10 (exclusive)")
		require.NoError(t, r.Close())
	}
}

func TestTopicDeletedOrRecreated(t *testing.T) {
	brokers := testBrokers(t)
	for label, recreate := range map[string]bool{"deleted": false, "recreated": true} {
		t.Run(label, func(t *testing.T) {
			name := newTopic(t, brokers, 1, nil)
			produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
			r := reader(t, src(brokers, name))
			require.Len(t, readSome(t, r, 5), 5)
			admin := administrator(t, brokers)
			require.NoError(t, admin.DeleteTopic(name))
			if recreate {
				require.Eventually(t, func() bool {
					_, err := topic.Create(t.Context(), brokers, topic.Spec{Name: name, Partitions: 1})
					return err == nil
				}, 10*time.Second, 100*time.Millisecond)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var err error
			for err == nil {
				_, err = r.Fetch(ctx)
			}
			require.ErrorIs(t, err, kafka.ErrTopicGone)
			require.ErrorContains(t, err, name)
			require.False(t, source.IsTemporary(err))
		})
	}
}

func TestMissingTopic(t *testing.T) {
	brokers := testBrokers(t)
	_, err := src(brokers, "no-such-topic").Open(t.Context(), source.Env{})
	require.ErrorIs(t, err, kafka.ErrTopicMissing)
	require.ErrorContains(t, err, "no-such-topic")
	require.ErrorContains(t, err, "--create")
	require.False(t, source.IsTemporary(err))

	name := newTopic(t, brokers, 2, nil)
	s := open(t, src(brokers, name, kafka.Partitions(kafka.Partition{ID: 2})))
	_, err = s.Splits(t.Context())
	require.ErrorIs(t, err, kafka.ErrTopicMissing)
	require.ErrorContains(t, err, name+"/2")
}

func TestUnreachableBrokers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = src([]string{addr}, "t").Open(t.Context(), source.Env{})
	require.True(t, source.IsTemporary(err), "got %v", err)
	require.ErrorContains(t, err, addr)
}

func TestSilentBrokerDoesNotOutliveTheContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, in the kernel, and never answers
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err = src([]string{l.Addr().String()}, "t").Open(ctx, source.Env{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 3*time.Second)
}

func TestBrokerAwayWhileReading(t *testing.T) {
	c, brokers := fake(t, 1)
	name := newTopic(t, brokers, 1, nil)
	r := reader(t, src(brokers, name, kafka.RetryFor(500*time.Millisecond)))
	_, err := r.Fetch(t.Context())
	require.NoError(t, err)
	c.Close()
	for err == nil {
		_, err = r.Fetch(t.Context())
	}
	require.True(t, source.IsTemporary(err), "got %v", err)
	require.ErrorContains(t, err, name+"/0")
	require.ErrorContains(t, err, brokers[0])
}

func TestDiscovery(t *testing.T) {
	brokers := testBrokers(t)
	a, b := newTopic(t, brokers, 1, nil), newTopic(t, brokers, 1, nil)
	late := a + "-late"
	s := open(t, src(brokers, "", kafka.Pattern(regexp.MustCompile(regexp.QuoteMeta(a)+"|"+regexp.QuoteMeta(a)+"-late")), kafka.StartFrom(kafka.Latest()),
		kafka.DiscoveryInterval(time.Minute)))
	require.EqualValues(t, time.Minute, s.(source.Discoverer).DiscoveryInterval())
	produce(t, brokers, clientConfig(t), numbered(a, 0, 0, 3)...)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	require.Len(t, splits, 1, "%s does not match", b)
	require.EqualValues(t, 3, splits[0].Start)

	admin := administrator(t, brokers)
	require.NoError(t, admin.CreatePartitions(a, 2, nil, false))
	_, err = topic.Create(t.Context(), brokers, topic.Spec{Name: late, Partitions: 1})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		splits, err = s.Splits(t.Context())
		return err == nil && len(splits) == 3
	}, 10*time.Second, 50*time.Millisecond)
	produce(t, brokers, clientConfig(t), message(a, 1, "x"), message(late, 0, "y"))
	require.Equal(t, []string{a + "/0", a + "/1", late + "/0"}, []string{splits[0].ID, splits[1].ID, splits[2].ID})
	require.EqualValues(t, 3, splits[0].Start)
	require.EqualValues(t, 2, splits[0].Partitions)
	require.Zero(t, splits[1].Start, "what is discovered begins at its earliest offset, whatever the start position")
	require.Zero(t, splits[2].Start)
}

func TestTopicsAndPartitions(t *testing.T) {
	brokers := testBrokers(t)
	a, b := newTopic(t, brokers, 2, nil), newTopic(t, brokers, 3, nil)
	s := open(t, src(brokers, a, kafka.Topics(b, a)))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	require.Len(t, splits, 5)
	s = open(t, src(brokers, a, kafka.Partitions(kafka.Partition{ID: 1}, kafka.Partition{Topic: b, ID: 2}, kafka.Partition{ID: 1})))
	splits, err = s.Splits(t.Context())
	require.NoError(t, err)
	require.Len(t, splits, 2)
	require.Equal(t, a+"/1", splits[0].ID)
	require.Equal(t, b+"/2", splits[1].ID)
	require.EqualValues(t, 3, splits[1].Partitions)
	require.Zero(t, s.(source.Discoverer).DiscoveryInterval(), "explicit partitions are all there is")
}

func TestWrongOptions(t *testing.T) {
	for label, tc := range map[string]struct {
		from source.Source[record]
		says string
	}{
		"no broker":         {src(nil, "t"), "no broker given"},
		"bad address":       {src([]string{"localhost"}, "t"), "not host:port"},
		"nothing to read":   {src([]string{"h:1"}, ""), "nothing to read"},
		"nil decoder":       {kafka.Source[record]([]string{"h:1"}, "t", nil), "decoder is nil"},
		"fetch size":        {src([]string{"h:1"}, "t", kafka.FetchBytes(0)), "FetchBytes"},
		"negative offset":   {src([]string{"h:1"}, "t", kafka.StartFrom(kafka.Offsets(map[kafka.Partition]int64{{Topic: "t"}: -1}))), "negative"},
		"group":             {src([]string{"h:1"}, "t", kafka.StartFrom(kafka.Committed("", nil))), "Committed needs a group"},
		"mechanism":         {src([]string{"h:1"}, "t", kafka.SASL("KERBEROS", "u", "p")), "unknown"},
		"user, no password": {src([]string{"h:1"}, "t", kafka.SASL(cluster.Plain, "u", "")), "user and password"},
	} {
		t.Run(label, func(t *testing.T) {
			_, err := tc.from.Open(t.Context(), source.Env{})
			require.ErrorContains(t, err, tc.says)
			require.False(t, source.IsTemporary(err))
		})
	}
}
