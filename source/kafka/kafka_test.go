package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/state"
)

// coded is a decoder that is a codec as well.
type coded struct{ text }

func (coded) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (coded) Decode(src []byte) (string, error)           { return string(src), nil }
func (coded) ID() string                                  { return "text" }

func TestCodecIsTheDecoderWhereItIsOne(t *testing.T) {
	codecOf := func(s source.Source[string]) state.Codec[string] {
		return s.(interface{ Codec() state.Codec[string] }).Codec()
	}
	require.Equal(t, coded{}, codecOf(kafka.Source([]string{"h:1"}, "t", coded{})))
	require.Nil(t, codecOf(kafka.Source([]string{"h:1"}, "t", text{})))
}

func TestString(t *testing.T) {
	at := []string{"h:1"}
	require.Equal(t, "kafka topic=clicks", src(at, "clicks", kafka.SASL(cluster.Plain, "ann", "hunter2")).String())
	require.Equal(t, "kafka topics=a,b bounded read-committed", src(at, "b", kafka.Topics("a"), kafka.UntilEnd(), kafka.ReadCommitted()).String())
	require.Equal(t, "kafka partitions=a/1,b/0", src(at, "b", kafka.Partitions(kafka.Partition{ID: 0}, kafka.Partition{Topic: "a", ID: 1})).String())
}

func TestMurmur2Partition(t *testing.T) {
	require.EqualValues(t, 479470107%4, kafka.Murmur2Partition([]byte("abc"), 4))
}
