package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

func TestPasswordIsNotPrinted(t *testing.T) {
	c := Config{SASL: SASL{Mechanism: ScramSHA512, User: "ann", Password: "hunter2"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(format, c), "hunter2", format)
	}
	require.Equal(t, "SCRAM-SHA-512 user=ann", c.SASL.String())
}

func TestSettingsReachSarama(t *testing.T) {
	c := Config{ClientID: "me", SASL: SASL{Plain, "ann", "x"}, Tune: func(s *sarama.Config) { s.RackID = "r1" }}
	conf, err := c.Sarama()
	require.NoError(t, err)
	require.Equal(t, "me", conf.ClientID)
	require.Equal(t, "r1", conf.RackID)
	require.True(t, conf.Net.SASL.Enable)
	require.False(t, conf.Net.TLS.Enable)
	_, err = Config{SASL: SASL{User: "ann"}}.Sarama()
	require.ErrorContains(t, err, "no mechanism")
	_, err = Config{Tune: func(s *sarama.Config) { s.Net.MaxOpenRequests = 0 }}.Sarama()
	require.ErrorContains(t, err, "connection settings")
	conf, err = Config{}.Sarama()
	require.NoError(t, err)
	require.Equal(t, "millrace", conf.ClientID)
}

func TestRetriable(t *testing.T) {
	for _, err := range []error{
		io.EOF, &net.OpError{Op: "dial", Err: errors.New("refused")}, fmt.Errorf("x: %w", sarama.ErrNotLeaderForPartition), sarama.ErrNotConnected,
	} {
		require.True(t, Retriable(err), "%v", err)
	}
	for _, err := range []error{
		nil, sarama.ErrTopicAuthorizationFailed, fmt.Errorf("x: %w", sarama.ErrSASLAuthenticationFailed), sarama.ConfigurationError("x"),
		sarama.PacketDecodingError{Info: "x"}, sarama.Wrap(sarama.ErrSASLAuthenticationFailed, errors.New("bad password")), ErrOldFetch,
	} {
		require.False(t, Retriable(err), "%v", err)
	}
}

func TestBrokerAddresses(t *testing.T) {
	_, err := New([]string{"a", "b:9092", "c:"}, Config{})
	require.ErrorContains(t, err, `"a"`)
	require.ErrorContains(t, err, `"c:"`)
	require.NotContains(t, err.Error(), `"b:9092"`)
	c, err := New([]string{"a:1", "b:2"}, Config{})
	require.NoError(t, err)
	require.Equal(t, "a:1,b:2", c.String())
}
