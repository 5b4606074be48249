package kafka_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
)

func TestCompression(t *testing.T) {
	brokers := testBrokers(t)
	for _, codec := range []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	} {
		t.Run(codec.String(), func(t *testing.T) {
			name := newTopic(t, brokers, 1, nil)
			conf := clientConfig(t)
			conf.Producer.Compression = codec
			produce(t, brokers, conf, numbered(name, 0, 0, 500)...)
			got := readAll(t, src(brokers, name, kafka.UntilEnd()))[name+"/0"]
			require.Len(t, got, 500)
			for i, r := range got {
				require.Equal(t, fmt.Sprint(i), r.Value)
				require.EqualValues(t, i, r.Offset)
			}
		})
	}
}

func TestMetadataReachesTheDecoder(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 2, nil)
	m := message(name, 1, "v")
	m.Key, m.Timestamp = sarama.StringEncoder("k"), time.UnixMilli(1234)
	m.Headers = []sarama.RecordHeader{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b"), Value: nil}, {Key: []byte("a"), Value: []byte("2")}}
	produce(t, brokers, clientConfig(t), m, message(name, 1, "w"))
	got := readAll(t, src(brokers, name, kafka.UntilEnd()))[name+"/1"]
	require.Equal(t, []record{
		{Topic: name, Partition: 1, Offset: 0, TS: 1234, Key: "k", Value: "v", Headers: "a=1 b= a=2"},
		{Topic: name, Partition: 1, Offset: 1, TS: 1_000_000, Value: "w"},
	}, got)
}

func TestUndecodableRecord(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	bad := message(name, 0, "bad")
	bad.Key, bad.Headers = sarama.StringEncoder("k"), []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("x")}}
	produce(t, brokers, clientConfig(t), message(name, 0, "a"), bad, message(name, 0, "b"))
	s := open(t, src(brokers, name, kafka.UntilEnd()))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer r.Close()
	var got []source.Record[record]
	for {
		c, err := r.Fetch(t.Context())
		if errors.Is(err, source.EOF) {
			break
		}
		require.NoError(t, err)
		var rec source.Record[record]
		for c.Next(&rec) {
			got = append(got, rec)
		}
	}
	require.Len(t, got, 3)
	require.NoError(t, got[0].Err)
	require.NoError(t, got[2].Err)
	require.Equal(t, "b", got[2].Value.Value)
	var de *source.DecodeError
	require.ErrorAs(t, got[1].Err, &de)
	require.ErrorIs(t, de, errBad)
	require.Equal(t, source.Raw{
		Topic: name, Partition: 0, Offset: 1, Timestamp: 1_000_000, Key: []byte("k"), Value: []byte("bad"), Headers: []source.Header{{Key: "h", Value: []byte("x")}},
	}, de.Raw)
	require.Zero(t, got[1].Value)
	require.EqualValues(t, len("k")+len("bad"), got[1].Size)
}

func TestBatchLargerThanTheFetch(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, map[string]string{"max.message.bytes": "16777216"})
	big := strings.Repeat("x", 3<<20)
	produce(t, brokers, clientConfig(t), message(name, 0, "first"))
	produce(t, brokers, clientConfig(t), message(name, 0, big))
	produce(t, brokers, clientConfig(t), message(name, 0, "last"))
	got := values(readAll(t, src(brokers, name, kafka.UntilEnd(), kafka.FetchBytes(64<<10)))[name+"/0"])
	require.Len(t, got, 3)
	require.Equal(t, []string{"first", "last"}, []string{got[0], got[2]})
	require.True(t, got[1] == big)
}

func TestTransactions(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), message(name, 0, "plain"))
	transaction(t, brokers, name, true, "kept 1", "kept 2")
	transaction(t, brokers, name, false, "dropped 1", "dropped 2")
	produce(t, brokers, clientConfig(t), message(name, 0, "between"))
	transaction(t, brokers, name, true, "kept 3")
	transaction(t, brokers, name, false, "dropped 3") // ends with markers only, as seen by a reader of committed records
	awaitStable(t, brokers, name, 12)

	all := values(readAll(t, src(brokers, name, kafka.UntilEnd()))[name+"/0"])
	require.Equal(t, []string{"plain", "kept 1", "kept 2", "dropped 1", "dropped 2", "between", "kept 3", "dropped 3"}, all)
	for _, fetch := range []int32{100, 1 << 20} { // one batch an answer, and all in one
		got := values(readAll(t, src(brokers, name, kafka.UntilEnd(), kafka.ReadCommitted(), kafka.FetchBytes(fetch)))[name+"/0"])
		require.Equal(t, []string{"plain", "kept 1", "kept 2", "between", "kept 3"}, got)
	}
	s := open(t, src(brokers, name, kafka.UntilEnd(), kafka.ReadCommitted()))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	for at := range int64(12) { // from inside every batch and transaction
		got := readSplit(t, s, splits[0], at)
		for _, r := range got {
			require.GreaterOrEqual(t, r.Offset, at)
			require.NotContains(t, r.Value, "dropped")
		}
	}
}

// awaitStable waits until the transactions before the end are settled: markers are written after the commit has been answered.
func awaitStable(t *testing.T, brokers []string, name string, end int64) {
	require.Eventually(t, func() bool {
		s := open(t, src(brokers, name, kafka.UntilEnd(), kafka.ReadCommitted()))
		splits, err := s.Splits(t.Context())
		return err == nil && splits[0].Stop == end
	}, 20*time.Second, 50*time.Millisecond)
}

func TestOpenTransactionHoldsBackCommittedReaders(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), message(name, 0, "before"))
	conf := clientConfig(t)
	conf.Producer.Idempotent, conf.Producer.RequiredAcks, conf.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	conf.Producer.Transaction.ID = name
	p, err := sarama.NewSyncProducer(brokers, conf)
	require.NoError(t, err)
	defer p.Close()
	require.NoError(t, p.BeginTxn())
	_, _, err = p.SendMessage(message(name, 0, "open"))
	require.NoError(t, err)
	produce(t, brokers, clientConfig(t), message(name, 0, "after"))

	s := open(t, src(brokers, name, kafka.ReadCommitted()))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer r.Close()
	c, err := r.Fetch(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"before"}, values(walk(t, c)))
	require.True(t, c.AtEnd(), "the last stable offset is the end for a reader of committed records")
	require.EqualValues(t, 1, c.(source.LogEnder).LogEnd())
	u, err := open(t, src(brokers, name)).Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer u.Close()
	all, err := u.Fetch(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, all.(source.LogEnder).LogEnd(), "for others it is the high watermark")
	require.Equal(t, []string{"before"}, values(readAll(t, src(brokers, name, kafka.ReadCommitted(), kafka.UntilEnd()))[name+"/0"]))
	require.NoError(t, p.CommitTxn())
	require.Equal(t, []string{"open", "after"}, values(readSome(t, r, 2)))
}

func TestManyBatchesInOneAnswer(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	conf := clientConfig(t)
	conf.Producer.Flush.MaxMessages = 7
	produce(t, brokers, conf, numbered(name, 0, 0, 1000)...)
	s := open(t, src(brokers, name, kafka.UntilEnd()))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	for _, at := range []int64{0, 1, 6, 7, 500, 999, 1000} {
		got := readSplit(t, s, splits[0], at)
		require.Len(t, got, int(1000-at))
		for i, r := range got {
			require.EqualValues(t, at+int64(i), r.Offset)
		}
	}
}

func TestChunksStayValid(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, nil)
	for i := range 20 {
		produce(t, brokers, clientConfig(t), message(name, 0, strings.Repeat(string(rune('a'+i)), 2000)))
	}
	s, err := kafka.Source(brokers, name, aliasing{}, kafka.UntilEnd(), kafka.FetchBytes(2100)).Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer r.Close()
	var got [][]byte
	for {
		c, err := r.Fetch(t.Context())
		if errors.Is(err, source.EOF) {
			break
		}
		require.NoError(t, err)
		var rec source.Record[[]byte]
		for c.Next(&rec) {
			got = append(got, rec.Value)
		}
	}
	require.Len(t, got, 20)
	for i, v := range got {
		require.True(t, bytes.Equal(bytes.Repeat([]byte{byte('a' + i)}, 2000), v), "record %d was overwritten by a later answer", i)
	}
}

// aliasing hands out the answer's own bytes.
type aliasing struct{}

func (aliasing) DecodeRecord(r *source.Raw) ([]byte, error) { return r.Value, nil }
