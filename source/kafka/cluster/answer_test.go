package cluster

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetchAnswer is an answer as another library writes it, without its size.
func fetchAnswer(version int16, records []byte, partitions int) []byte {
	r := kmsg.FetchResponse{Version: version, ThrottleMillis: 7, SessionID: 8}
	topic := kmsg.FetchResponseTopic{Topic: "clicks"}
	for i := range partitions {
		topic.Partitions = append(topic.Partitions, kmsg.FetchResponseTopicPartition{
			Partition: int32(i), HighWatermark: 100, LastStableOffset: 90, LogStartOffset: 3, PreferredReadReplica: -1, RecordBatches: records,
			AbortedTransactions: []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 4, FirstOffset: 50}, {ProducerID: 5, FirstOffset: 60}},
			CurrentLeader:       kmsg.FetchResponseTopicPartitionCurrentLeader{LeaderID: 2, LeaderEpoch: 9},
		})
	}
	r.Topics = []kmsg.FetchResponseTopic{topic}
	header := []byte{0, 0, 0, 42}
	if r.IsFlexible() {
		header = append(header, 0)
	}
	return r.AppendTo(header)
}

// The records of an answer are found in each version of the protocol, and nothing else is taken for them.
func TestRecordsAreFoundInAnAnswer(t *testing.T) {
	for _, records := range [][]byte{{}, []byte("records"), bytes.Repeat([]byte("many of them"), 1000)} {
		for version := int16(4); version <= flexible; version++ {
			body := fetchAnswer(version, records, 1)
			at, ok := findRecords(body, version)
			require.True(t, ok, "version %d", version)
			require.Equal(t, records, body[at.from:at.to], "version %d", version)
			for n := range at.to {
				_, ok := findRecords(body[:n:n], version)
				require.False(t, ok, "version %d, the first %d of %d bytes", version, n, len(body))
			}
			_, ok = findRecords(fetchAnswer(version, records, 2), version)
			require.False(t, ok, "version %d: two partitions", version)
		}
		for _, version := range []int16{3, 13} {
			_, ok := findRecords(fetchAnswer(version, records, 1), version)
			require.False(t, ok, "version %d is not known", version)
		}
	}
}

func FuzzFindRecords(f *testing.F) {
	for version := int16(4); version <= flexible; version++ {
		f.Add(version, fetchAnswer(version, []byte("records"), 1))
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if at, ok := findRecords(body, version); ok {
			require.True(t, 0 <= at.length && at.length <= at.from && at.from <= at.to && at.to <= len(body))
		}
	})
}

// What the tap leaves of an answer is an answer without records; all other answers pass as they are.
func TestTapLeavesTheRest(t *testing.T) {
	sized := func(body []byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	request := func(key, version byte) []byte { return sized([]byte{0, key, 0, version, 0, 0, 0, 42}) }
	for name, c := range map[string]struct {
		request, answer, seen []byte
		records               []byte
		keeps                 bool
	}{
		"fetch":             {request: request(1, 12), answer: sized(fetchAnswer(12, []byte("records"), 1)), seen: sized(fetchAnswer(12, []byte{}, 1)), records: []byte("records"), keeps: true},
		"of an old version": {request: request(1, 4), answer: sized(fetchAnswer(4, []byte("records"), 1)), seen: sized(fetchAnswer(4, []byte{}, 1)), records: []byte("records"), keeps: true},
		"nothing there":     {request: request(1, 12), answer: sized(fetchAnswer(12, []byte{}, 1)), seen: sized(fetchAnswer(12, []byte{}, 1)), records: []byte{}, keeps: true},
		"no records":        {request: request(1, 12), answer: sized(fetchAnswer(12, nil, 1)), seen: sized(fetchAnswer(12, nil, 1))},
		"two partitions":    {request: request(1, 12), answer: sized(fetchAnswer(12, []byte("records"), 2)), seen: sized(fetchAnswer(12, []byte("records"), 2))},
		"another request":   {request: request(3, 12), answer: sized(fetchAnswer(12, []byte("records"), 1)), seen: sized(fetchAnswer(12, []byte("records"), 1))},
		"larger than all":   {request: request(1, 12), answer: []byte{0x7f, 0xff, 0xff, 0xff, 1, 2}, seen: []byte{0x7f, 0xff, 0xff, 0xff, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, broker := net.Pipe()
			defer ours.Close()
			go func() {
				_, _ = io.ReadFull(broker, make([]byte, len(c.request)))
				_, _ = broker.Write(c.answer)
				broker.Close()
			}()
			conn := &tap{Conn: ours}
			_, err := conn.Write(c.request)
			require.NoError(t, err)
			seen, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Equal(t, c.seen, seen)
			records, ok := conn.take()
			require.Equal(t, c.keeps, ok)
			require.Equal(t, c.records, records)
			_, ok = conn.take()
			require.False(t, ok, "records are taken once")
		})
	}
}

func TestTapTellsThatTheConnectionEnded(t *testing.T) {
	whole := fetchAnswer(12, []byte("records"), 1)
	for n, want := range map[int]error{0: nil, 2: io.ErrUnexpectedEOF, 4: nil, 20: io.ErrUnexpectedEOF} { // at 0 and 4 nothing of what is awaited came
		ours, broker := net.Pipe()
		go func() {
			_, _ = io.ReadFull(broker, make([]byte, 8))
			_, _ = broker.Write(append([]byte{0, 0, 0, byte(len(whole))}, whole...)[:n])
			broker.Close()
		}()
		conn := &tap{Conn: ours}
		_, err := conn.Write([]byte{0, 0, 0, 4, 0, fetchKey, 0, 12})
		require.NoError(t, err)
		got, err := io.ReadAll(conn)
		require.Empty(t, got)
		require.Equal(t, want, err, "after %d bytes", n)
		ours.Close()
	}
}
