package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/topic"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// copying is a job that copies a topic into a list, and its state.
type copying struct {
	brokers []string
	name    string
	dir     string
	local   bool // keyed in place
	opts    []kafka.Option
	list    *sinkmemory.List[record]
}

func newCopying(t *testing.T, partitions int32) *copying {
	brokers := testBrokers(t)
	return &copying{brokers: brokers, name: newTopic(t, brokers, partitions, nil), dir: t.TempDir(), list: &sinkmemory.List[record]{},
		opts: []kafka.Option{kafka.DiscoveryInterval(50 * time.Millisecond)}}
}

// start runs the job until it is told to stop; end waits for what Run returned.
func (c *copying) start(t *testing.T) (stop func(), end func() error) {
	j := stream.NewJob("copy", stream.Logger(slog.New(slog.DiscardHandler)), stream.StatusEvery(0), stream.StateDir(c.dir), stream.CheckpointEvery(50*time.Millisecond))
	in := stream.From(j, "in", src(c.brokers, c.name, c.opts...), watermark.None(func(r record) time.Time { return time.UnixMilli(r.TS) }))
	if c.local {
		counts := stream.Process(stream.KeyByPartition(in, func(r record) string { return r.Value }, stream.PartitionedBy(stream.Partitioner{Name: "all in one", Partition: func([]byte, int32) int32 { return 0 }})), "count", stream.PerTask(func() *counter { return &counter{} }))
		stream.To(counts, "list", c.list)
	} else {
		stream.To(in, "list", c.list)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	return cancel, func() error {
		defer cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(60 * time.Second):
			t.Fatal("the job does not end")
			return nil
		}
	}
}

// run has the job read until n records are in the list, and stops it.
func (c *copying) run(t *testing.T, n int) {
	stop, end := c.start(t)
	c.await(t, n)
	stop()
	require.NoError(t, end())
}

func (c *copying) await(t *testing.T, n int) {
	require.Eventually(t, func() bool { return len(c.list.Rows()) >= n }, 30*time.Second, 10*time.Millisecond, "the list has fewer than %d", n)
}

// requireOnce compares the list with what was written: nothing lost, nothing twice.
func (c *copying) requireOnce(t *testing.T, want ...string) {
	got := map[string]int{}
	for _, r := range c.list.Rows() {
		got[fmt.Sprintf("%d:%s", r.Partition, r.Value)]++
	}
	require.Len(t, got, len(want))
	for _, w := range want {
		require.Equal(t, 1, got[w], w)
	}
}

type counter struct{ n stream.ValueState[int] }

func (c *counter) Open(ctx *stream.OpenContext) error {
	c.n = stream.NewValue(ctx, "n", codec.Int())
	return nil
}

func (c *counter) Process(_ *stream.Context, in stream.Keyed[string, record], out *stream.Collector[record]) error {
	n, _ := c.n.Get()
	c.n.Set(n + 1)
	out.Emit(in.Value)
	return nil
}

func (c *copying) extend(t *testing.T, partitions int32) {
	require.NoError(t, administrator(t, c.brokers).CreatePartitions(c.name, partitions, nil, false))
	require.Eventually(t, func() bool { return c.partitions(t) == partitions }, 20*time.Second, 50*time.Millisecond)
}

func (c *copying) partitions(t *testing.T) int32 {
	d, err := topic.Describe(t.Context(), c.brokers, c.name, cluster.Config{})
	if err != nil {
		return 0
	}
	return d.Partitions
}

func (c *copying) delete(t *testing.T) {
	require.NoError(t, administrator(t, c.brokers).DeleteTopic(c.name))
	require.Eventually(t, func() bool { return c.partitions(t) == 0 }, 20*time.Second, 50*time.Millisecond)
}

func TestTopicExtendedWhileAJobRuns(t *testing.T) {
	c := newCopying(t, 1)
	produce(t, c.brokers, clientConfig(t), numbered(c.name, 0, 0, 3)...)
	stop, end := c.start(t)
	c.await(t, 3)
	c.extend(t, 3)
	produce(t, c.brokers, clientConfig(t), message(c.name, 2, "new"), message(c.name, 0, "3"), message(c.name, 1, "new"))
	c.await(t, 6)
	stop()
	require.NoError(t, end())
	c.requireOnce(t, "0:0", "0:1", "0:2", "0:3", "1:new", "2:new")
}

func TestTopicExtendedWhileAJobIsStopped(t *testing.T) {
	c := newCopying(t, 1)
	c.opts = append(c.opts, kafka.StartFrom(kafka.Latest()))
	stop, end := c.start(t)
	c.requireOnce(t)
	require.Eventually(t, func() bool { // begun at the end, so what comes from here on is read
		produce(t, c.brokers, clientConfig(t), message(c.name, 0, "first"))
		return len(c.list.Rows()) > 0
	}, 30*time.Second, 100*time.Millisecond)
	stop()
	require.NoError(t, end())
	before := len(c.list.Rows())
	c.extend(t, 2)
	produce(t, c.brokers, clientConfig(t), message(c.name, 1, "while it was stopped"))
	stop, end = c.start(t)
	require.Eventually(t, func() bool {
		for _, r := range c.list.Rows()[before:] {
			if r.Partition == 1 && r.Value == "while it was stopped" {
				return true
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond, "a partition that the state does not know is read from its beginning, whatever the start position")
	stop()
	require.NoError(t, end())
}

func TestTopicExtendedUnderPartitionLocalKeys(t *testing.T) {
	for label, running := range map[string]bool{"running": true, "stopped": false} {
		t.Run(label, func(t *testing.T) {
			c := newCopying(t, 1)
			c.local = true
			produce(t, c.brokers, clientConfig(t), numbered(c.name, 0, 0, 3)...)
			stop, end := c.start(t)
			c.await(t, 3)
			if !running {
				stop()
				require.NoError(t, end())
			}
			c.extend(t, 2)
			if !running {
				_, end = c.start(t)
			}
			err := end()
			require.ErrorIs(t, err, stream.ErrShape)
			require.ErrorContains(t, err, c.name)
			require.ErrorContains(t, err, "use KeyBy in place of KeyByPartition")
		})
	}
}

func TestTopicDeletedWhileAJobRuns(t *testing.T) {
	c := newCopying(t, 1)
	produce(t, c.brokers, clientConfig(t), numbered(c.name, 0, 0, 3)...)
	_, end := c.start(t)
	c.await(t, 3)
	c.delete(t)
	err := end()
	require.ErrorIs(t, err, kafka.ErrTopicGone)
	require.ErrorContains(t, err, c.name)
	require.ErrorContains(t, err, "offset 3")
	_, end = c.start(t)
	require.ErrorIs(t, end(), kafka.ErrTopicMissing)
	c.requireOnce(t, "0:0", "0:1", "0:2")
}

func TestTopicRecreatedWhileAJobRuns(t *testing.T) {
	c := newCopying(t, 1)
	produce(t, c.brokers, clientConfig(t), numbered(c.name, 0, 0, 3)...)
	_, end := c.start(t)
	c.await(t, 3)
	recreate(t, c.brokers, c.name, 1, 10)
	err := end()
	require.ErrorIs(t, err, kafka.ErrTopicGone)
	require.ErrorContains(t, err, c.name)
	_, end = c.start(t)
	require.ErrorIs(t, end(), stream.ErrShape, "the state belongs to the topic that was deleted")
	c.requireOnce(t, "0:0", "0:1", "0:2")
}

func TestTopicRecreatedWhileAJobIsStopped(t *testing.T) {
	c := newCopying(t, 1)
	produce(t, c.brokers, clientConfig(t), numbered(c.name, 0, 0, 3)...)
	was, err := topic.Describe(t.Context(), c.brokers, c.name, cluster.Config{})
	require.NoError(t, err)
	c.run(t, 3)
	recreate(t, c.brokers, c.name, 1, 10)
	is, err := topic.Describe(t.Context(), c.brokers, c.name, cluster.Config{})
	require.NoError(t, err)
	_, end := c.start(t)
	err = end()
	require.ErrorIs(t, err, stream.ErrShape)
	for _, says := range []string{c.name, "deleted and made again", was.Incarnation, is.Incarnation, "start a new group"} {
		require.ErrorContains(t, err, says)
	}
	c.requireOnce(t, "0:0", "0:1", "0:2")
}

// One of several topics goes while the job is stopped: the others are not read on as if nothing were missing.
func TestOneTopicOfAPatternGone(t *testing.T) {
	c := newCopying(t, 1)
	other := c.name + "-other"
	_, err := topic.Create(t.Context(), c.brokers, topic.Spec{Name: other, Partitions: 1, Replication: 1})
	require.NoError(t, err)
	produce(t, c.brokers, clientConfig(t), message(c.name, 0, "a"), message(other, 0, "b"))
	pattern := c.name
	c.name, c.opts = "", append(c.opts, kafka.Pattern(regexp.MustCompile(regexp.QuoteMeta(pattern)+".*")))
	c.run(t, 2)
	c.name = other
	c.delete(t)
	c.name = ""
	_, end := c.start(t)
	require.ErrorContains(t, end(), other+"/0 is in the state, but")
}
