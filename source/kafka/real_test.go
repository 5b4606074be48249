//go:build integration

package kafka_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/testservers/servers"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/kafka/cluster"
)

func TestLogAppendTime(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, map[string]string{"message.timestamp.type": "LogAppendTime"})
	before := time.Now().UnixMilli()
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 3)...)
	for _, r := range readAll(t, src(brokers, name, kafka.UntilEnd()))[name+"/0"] {
		require.GreaterOrEqual(t, r.TS, before, "the broker's time counts, not the producer's")
	}
}

func authority(t *testing.T) *tls.Config {
	pem, err := os.ReadFile(env(t, "MILLRACE_TEST_KAFKA_CA"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func TestSASLOverTLS(t *testing.T) {
	plain := testBrokers(t)
	secure := []string{env(t, "MILLRACE_TEST_KAFKA_SASL")}
	user, password := env(t, "MILLRACE_TEST_KAFKA_USER"), env(t, "MILLRACE_TEST_KAFKA_PASSWORD")
	name := newTopic(t, plain, 2, nil)
	produce(t, plain, clientConfig(t), append(numbered(name, 0, 0, 100), numbered(name, 1, 0, 100)...)...)
	for _, m := range []cluster.Mechanism{cluster.ScramSHA512, cluster.ScramSHA256, cluster.Plain} {
		t.Run(string(m), func(t *testing.T) {
			from := src(secure, name, kafka.UntilEnd(), kafka.TLS(authority(t)), kafka.SASL(m, user, password))
			require.NotContains(t, from.String(), password)
			got := readAll(t, from)
			require.Len(t, got[name+"/0"], 100)
			require.Len(t, got[name+"/1"], 100)
		})
	}
	for label, opts := range map[string][]kafka.Option{
		"wrong password":      {kafka.TLS(authority(t)), kafka.SASL(cluster.ScramSHA512, user, "hunter2")},
		"unknown certificate": {kafka.TLS(&tls.Config{MinVersion: tls.VersionTLS12}), kafka.SASL(cluster.ScramSHA512, user, password)},
	} {
		t.Run(label, func(t *testing.T) {
			_, err := src(secure, name, opts...).Open(t.Context(), source.Env{})
			require.Error(t, err)
			require.False(t, source.IsTemporary(err), "waiting does not mend it: %v", err)
			require.ErrorContains(t, err, secure[0])
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), password)
		})
	}
}

// A broker of its own, so that stopping it disturbs nobody.
func TestBrokerRestartAndKill(t *testing.T) {
	k, err := servers.StartKafka(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Stop()) })
	brokers := []string{k.Plaintext}
	name := newTopic(t, brokers, 1, nil)
	produce(t, brokers, clientConfig(t), numbered(name, 0, 0, 10)...)
	s := open(t, src(brokers, name, kafka.RetryFor(time.Minute)))
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	r, err := s.Reader(t.Context(), splits[0], 0)
	require.NoError(t, err)
	defer r.Close()
	require.Len(t, readSome(t, r, 10), 10)

	for i, stop := range []func() error{k.Stop, k.Kill} {
		require.NoError(t, stop())
		restarted := make(chan error, 1)
		go func() { restarted <- k.Start(context.WithoutCancel(t.Context())) }()
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			require.NoError(t, <-restarted)
			produce(t, brokers, clientConfig(t), numbered(name, 0, 10+10*i, 20+10*i)...)
		}()
		got := readSome(t, r, 10)
		<-wrote
		require.EqualValues(t, 10+10*i, got[0].Offset)
	}

	require.NoError(t, k.Kill())
	_, err = src(brokers, name).Open(t.Context(), source.Env{})
	require.True(t, source.IsTemporary(err), "got %v", err)
	require.ErrorContains(t, err, k.Plaintext)
}

// Compaction leaves holes, and empties whole batches.
func TestCompactedTopic(t *testing.T) {
	brokers := testBrokers(t)
	name := newTopic(t, brokers, 1, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "200", "min.compaction.lag.ms": "0",
	})
	keyed := func(value string) *sarama.ProducerMessage {
		m := message(name, 0, value)
		m.Key, m.Timestamp = sarama.StringEncoder("the key"), time.Now() // segments roll by the records' time
		return m
	}
	conf := clientConfig(t)
	conf.Producer.Idempotent, conf.Producer.RequiredAcks, conf.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	var written int64
	require.Eventually(t, func() bool { // until the cleaner has been there: rolling a segment needs a write
		produce(t, brokers, conf, keyed(strings.Repeat("v", 100)))
		written++
		time.Sleep(150 * time.Millisecond)
		return len(readAll(t, src(brokers, name, kafka.UntilEnd()))[name+"/0"]) < int(written)-2
	}, 60*time.Second, time.Millisecond)
	for at := range written {
		s := open(t, src(brokers, name, kafka.UntilEnd()))
		splits, err := s.Splits(t.Context())
		require.NoError(t, err)
		require.Equal(t, written, splits[0].Stop)
		require.NotEmpty(t, readSplit(t, s, splits[0], at), "the newest record of a key is never compacted away")
	}
}
