package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
)

func TestPositions(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 2, nil)
	ms := numbered(name, 0, 0, 10)
	for i, m := range ms {
		m.Timestamp = time.UnixMilli(int64(1000 * i))
	}
	produce(t, brokers, clientConfig(t), ms...)
	produce(t, brokers, clientConfig(t), numbered(name, 1, 0, 3)...) // all at 1,000,000 ms
	p0, p1 := kafka.Partition{Topic: name}, kafka.Partition{Topic: name, ID: 1}
	group := name + "-group"
	writeGroup(t, brokers, group, map[string]int64{name + "/0": 6}, name)

	for label, tc := range map[string]struct {
		from       kafka.Position
		start, end [2]int64
	}{
		"earliest":             {kafka.Earliest(), [2]int64{0, 0}, [2]int64{10, 3}},
		"latest":               {kafka.Latest(), [2]int64{10, 3}, [2]int64{10, 3}},
		"timestamp, exactly":   {kafka.Timestamp(time.UnixMilli(4000)), [2]int64{4, 0}, [2]int64{10, 3}},
		"timestamp, between":   {kafka.Timestamp(time.UnixMilli(4001)), [2]int64{5, 0}, [2]int64{10, 3}},
		"timestamp, after all": {kafka.Timestamp(time.UnixMilli(2_000_000)), [2]int64{10, 3}, [2]int64{10, 3}},
		"offsets":              {kafka.Offsets(map[kafka.Partition]int64{p0: 7, p1: 2}), [2]int64{7, 2}, [2]int64{10, 3}},
		"offsets, one missing": {kafka.Offsets(map[kafka.Partition]int64{p0: 7}), [2]int64{7, 0}, [2]int64{10, 3}},
		"committed":            {kafka.Committed(group, kafka.Latest()), [2]int64{6, 3}, [2]int64{10, 3}},
		"committed, new group": {kafka.Committed(group+"-2", kafka.Earliest()), [2]int64{0, 0}, [2]int64{10, 3}},
	} {
		t.Run(label, func(t *testing.T) {
			s := open(t, src(brokers, name, kafka.StartFrom(tc.from), kafka.UntilEnd()))
			splits, err := s.Splits(t.Context())
			require.NoError(t, err)
			id := splits[0].Incarnation
			require.NotEmpty(t, id)
			require.Equal(t, []source.Split{
				{ID: name + "/0", Topic: name, Partition: 0, Partitions: 2, Start: tc.start[0], Stop: tc.end[0], Incarnation: id},
				{ID: name + "/1", Topic: name, Partition: 1, Partitions: 2, Start: tc.start[1], Stop: tc.end[1], Incarnation: id},
			}, splits)
			for i, split := range splits {
				require.Len(t, readSplit(t, s, split, split.Start), int(tc.end[i]-tc.start[i]))
			}
		})
	}
}

func TestUntilTime(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 2, nil)
	ms := numbered(name, 0, 0, 10)
	for i, m := range ms {
		m.Timestamp = time.UnixMilli(int64(1000 * i))
	}
	produce(t, brokers, clientConfig(t), ms...)
	produce(t, brokers, clientConfig(t), numbered(name, 1, 0, 3)...) // all at 1,000,000 ms
	for label, tc := range map[string]struct {
		from, until int64
		values      [2]int
	}{
		"between":           {0, 3500, [2]int{4, 0}},
		"exactly, excluded": {0, 4000, [2]int{4, 0}},
		"after all":         {0, 2_000_000, [2]int{10, 3}},
		"a range":           {2000, 5000, [2]int{3, 0}},
		"the wrong way":     {5000, 2000, [2]int{0, 0}},
	} {
		t.Run(label, func(t *testing.T) {
			read := readAll(t, src(brokers, name, kafka.StartFrom(kafka.Timestamp(time.UnixMilli(tc.from))), kafka.UntilTime(time.UnixMilli(tc.until))))
			require.Equal(t, tc.values, [2]int{len(read[name+"/0"]), len(read[name+"/1"])})
		})
	}
}

// writeGroup commits through a session with Group, as the engine does.
func writeGroup(t *testing.T, brokers []string, group string, positions map[string]int64, topics ...string) {
	s := open(t, src(brokers, "", kafka.Topics(topics...), kafka.Group(group)))
	_, err := s.Splits(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.(source.Committer).Commit(t.Context(), positions))
}

func TestCommitShowsInTheGroup(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 2, nil)
	writeGroup(t, brokers, name+"-g", map[string]int64{name + "/0": 0, name + "/1": 17, "other/0": 3}, name)
	admin := administrator(t, brokers)
	got, err := admin.ListConsumerGroupOffsets(name+"-g", map[string][]int32{name: {0, 1}})
	require.NoError(t, err)
	require.EqualValues(t, 0, got.GetGroupBlock(name+"-g", name, 0).Offset)
	require.EqualValues(t, 17, got.GetGroupBlock(name+"-g", name, 1).Offset)
}

func TestStopOffsetsAreExclusive(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 10)...) // one batch
	p := kafka.Partition{Topic: name}
	s := open(t, src(brokers, name, kafka.StopAt(map[kafka.Partition]int64{p: 7})))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 4)
	require.NoError(t, err)
	defer r.Close()
	c, err := r.Fetch(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 7, c.End(), "what lies behind the stop is left for a later run")
	require.Equal(t, []string{"4", "5", "6"}, values(walk(t, c)))
	_, err = r.Fetch(t.Context())
	require.ErrorIs(t, err, source.EOF)
	require.Zero(t, s.(source.Discoverer).DiscoveryInterval(), "a bounded source does not discover")
}

func TestStopIsReadOnce(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
	s := open(t, src(brokers, name, kafka.UntilEnd()))
	first, err := s.Splits(t.Context())
	require.NoError(t, err)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 5, 9)...)
	second, err := s.Splits(t.Context())
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Len(t, readSplit(t, s, first[0], 0), 5)
}

func TestFollowsTheEndOfTheLog(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	s := open(t, src(brokers, name))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	require.Equal(t, source.Unbounded, splits[0].Stop)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer r.Close()
	c, err := r.Fetch(t.Context())
	require.NoError(t, err)
	require.Empty(t, walk(t, c))
	require.True(t, c.AtEnd())
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 5)...)
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, values(readSome(t, r, 5)))
}

func TestFetchEndsWithItsContext(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	s := open(t, src(brokers, name))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer r.Close()
	_, err = r.Fetch(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { time.Sleep(50 * time.Millisecond); cancel() }()
	begin := time.Now()
	_, err = r.Fetch(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begin), 400*time.Millisecond, "a long poll must be interrupted")
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 1)...)
	require.Len(t, readSome(t, r, 1), 1, "the reader goes on with a new context")
}
