package kafka_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
)

// batchBytes is a record batch as it stands in a log: count records "0", "1", ... at the first offsets of a range of span offsets.
func batchBytes(first int64, span, count int32) []byte {
	var records []byte
	for i := range count {
		v := []byte{byte('0' + i)}
		body := []byte{0, 0, byte(i << 1), 1, byte(len(v) << 1)} // attributes, time delta, offset delta, no key, length of the value
		body = append(append(body, v...), 0)
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	b := kmsg.RecordBatch{
		FirstOffset: first, PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: span - 1, FirstTimestamp: 1000, MaxTimestamp: 1000,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: count, Records: records,
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// answering is a cluster whose every fetch of offset o is answered by answer(o, maxBytes) and the end offset.
func answering(t *testing.T, end int64, answer func(offset int64, maxBytes int32) []byte) (brokers []string, name string) {
	c, brokers := fake(t, 1)
	name = newTopic(t, brokers, 1, nil)
	c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked := req.(*kmsg.FetchRequest).Topics[0].Partitions[0]
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		p := kmsg.NewFetchResponseTopicPartition()
		p.HighWatermark, p.LastStableOffset = end, end
		p.RecordBatches = append([]byte{}, answer(asked.FetchOffset, asked.PartitionMaxBytes)...)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.Partitions = name, append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	return brokers, name
}

func stopAt(name string, offset int64) kafka.Option {
	return kafka.StopAt(map[kafka.Partition]int64{{Topic: name}: offset})
}

// Compaction can leave batches without records. A log that ends in one must still come to its end.
func TestBatchesEmptiedByCompaction(t *testing.T) {
	log := [][]byte{batchBytes(0, 5, 2), batchBytes(5, 3, 0), batchBytes(8, 2, 1), batchBytes(10, 6, 0), batchBytes(16, 4, 0)}
	firsts := []int64{0, 5, 8, 10, 16, 20}
	brokers, name := answering(t, 20, func(offset int64, _ int32) []byte {
		for i := range log {
			if offset < firsts[i+1] {
				return log[i] // one batch an answer, so that some answers are of an empty batch alone
			}
		}
		return nil
	})
	got := readAll(t, src(brokers, name, stopAt(name, 20)))[name+"/0"]
	require.Equal(t, []string{"0", "1", "0"}, values(got))
	require.EqualValues(t, 8, got[2].Offset)
	s := open(t, src(brokers, name, stopAt(name, 20)))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	for at := int64(9); at <= 20; at++ {
		require.Empty(t, readSplit(t, s, splits[0], at))
	}
}

func TestDamagedBatch(t *testing.T) {
	brokers, name := answering(t, 5, func(int64, int32) []byte {
		b := batchBytes(0, 5, 5)
		b[len(b)-2] ^= 1
		return b
	})
	r := reader(t, src(brokers, name))
	_, err := r.Fetch(t.Context())
	require.Error(t, err)
	require.False(t, source.IsTemporary(err), "%v", err)
	require.ErrorContains(t, err, name+"/0 offset 0")
}

func TestOldBrokersTruncateTheFirstBatch(t *testing.T) {
	whole := batchBytes(0, 9, 9)
	answer := func(_ int64, most int32) []byte { return whole[:min(int(most), len(whole))] }
	brokers, name := answering(t, 9, answer)
	got := readAll(t, src(brokers, name, stopAt(name, 9), kafka.FetchBytes(20)))[name+"/0"]
	require.Len(t, got, 9, "the limit grows until the batch fits")

	r := reader(t, src(brokers, name, kafka.FetchBytes(20), kafka.MaxBatchBytes(100)))
	_, err := r.Fetch(t.Context())
	require.ErrorIs(t, err, kafka.ErrBatchTooLarge)
	require.ErrorContains(t, err, "MaxBatchBytes")
	require.False(t, source.IsTemporary(err))
}

func TestThrottledBrokerIsNotAskedAtFullSpeed(t *testing.T) {
	asked := 0
	brokers, name := answering(t, 9, func(int64, int32) []byte { asked++; return nil })
	r := reader(t, src(brokers, name))
	ctx, cancel := context.WithTimeout(t.Context(), 450*time.Millisecond)
	defer cancel()
	_, err := r.Fetch(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.LessOrEqual(t, asked, 6)
}
