package partitioner

import (
	"fmt"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// The golden values are those of Apache Kafka's own UtilsTest.testMurmur2.
func TestMurmur2Golden(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		require.Equal(t, want, int32(murmur2([]byte(key))), key)
		require.Equal(t, (want&0x7fffffff)%7, Murmur2([]byte(key), 7), key)
	}
}

func TestAgreesWithSarama(t *testing.T) {
	java, fnv := sarama.NewMurmur2Partitioner("t"), sarama.NewHashPartitioner("t")
	for i := range 2000 {
		key := fmt.Sprintf("user-%d", i*i)
		for _, n := range []int32{1, 3, 4, 128} {
			want, err := java.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, n)
			require.NoError(t, err)
			require.Equal(t, want, Murmur2([]byte(key), n), key)
			want, err = fnv.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, n)
			require.NoError(t, err)
			require.Equal(t, want, FNV1a([]byte(key), n), key)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	key := []byte("user-123")
	require.Zero(t, testing.AllocsPerRun(100, func() { Murmur2(key, 4); FNV1a(key, 4) }))
}
