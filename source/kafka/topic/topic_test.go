package topic_test

import (
	"testing"

	"github.com/stretchr/testify/require"

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
