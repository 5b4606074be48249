// Package cluster is how Millrace's Kafka source, sink and topic tools reach a cluster: connection settings, connections that can be interrupted, and
// the few metadata requests they share. It speaks Kafka's protocol through IBM/sarama.
package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// Config is how to connect. The zero value connects without encryption or authentication. It is a value: copies are independent but for what TLS and
// Tune refer to, which must not change while in use.
type Config struct {
	// ClientID names this program in the brokers' logs and quotas; empty means "millrace".
	ClientID string
	// TLS encrypts connections when it is not nil. An empty ServerName is filled in from each broker's address.
	TLS *tls.Config
	// SASL authenticates connections when its Mechanism is set.
	SASL SASL
	// Tune, if set, may change any other setting of sarama. It is called once for each configuration made.
	Tune func(*sarama.Config)
}

// Mechanism is a SASL mechanism.
type Mechanism string

const (
	Plain       Mechanism = sarama.SASLTypePlaintext
	ScramSHA256 Mechanism = sarama.SASLTypeSCRAMSHA256
	ScramSHA512 Mechanism = sarama.SASLTypeSCRAMSHA512
)

// SASL are a user's credentials. It prints without the password.
type SASL struct {
	Mechanism      Mechanism // empty means no authentication
	User, Password string
}

// String names mechanism and user only.
func (s SASL) String() string {
	if s.Mechanism == "" {
		return "no authentication"
	}
	return fmt.Sprintf("%s user=%s", s.Mechanism, s.User)
}

// GoString is String, so that no way of printing shows the password.
func (s SASL) GoString() string { return s.String() }

const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 30 * time.Second
	defaultClient  = "millrace"
)

// protocolVersion lets sarama use every request version it knows; what a broker does not know is negotiated down for each connection.
var protocolVersion = sarama.MaxVersion

// Sarama makes a new sarama configuration of c, or says everything that is wrong with c.
func (c Config) Sarama() (*sarama.Config, error) {
	conf := sarama.NewConfig()
	conf.Version = protocolVersion
	conf.ClientID = c.ClientID
	if conf.ClientID == "" {
		conf.ClientID = defaultClient
	}
	conf.Net.DialTimeout = dialTimeout
	conf.Net.ReadTimeout, conf.Net.WriteTimeout = requestTimeout, requestTimeout
	conf.Metadata.Full = false
	conf.Metadata.AllowAutoTopicCreation = false
	conf.Metadata.Timeout = requestTimeout
	if c.TLS != nil {
		conf.Net.TLS.Enable, conf.Net.TLS.Config = true, c.TLS
	}
	if err := c.SASL.apply(conf); err != nil {
		return nil, err
	}
	if c.Tune != nil {
		c.Tune(conf)
	}
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("kafka connection settings: %w", err)
	}
	return conf, nil
}

func (s SASL) apply(conf *sarama.Config) error {
	if s.Mechanism == "" {
		if s.User != "" || s.Password != "" {
			return errors.New("kafka SASL: a user or password is given but no mechanism: set Plain, ScramSHA256 or ScramSHA512")
		}
		return nil
	}
	if s.User == "" || s.Password == "" {
		return fmt.Errorf("kafka SASL %s: user and password must both be set", s.Mechanism)
	}
	n := &conf.Net.SASL
	n.Enable, n.Mechanism, n.User, n.Password, n.Version = true, sarama.SASLMechanism(s.Mechanism), s.User, s.Password, sarama.SASLHandshakeV1
	switch s.Mechanism {
	case Plain:
	case ScramSHA256, ScramSHA512:
		n.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{mechanism: s.Mechanism} }
	default:
		return fmt.Errorf("kafka SASL mechanism %q is unknown: use Plain, ScramSHA256 or ScramSHA512", s.Mechanism)
	}
	return nil
}

// checkBrokers reports every malformed address.
func checkBrokers(brokers []string) error {
	if len(brokers) == 0 {
		return errors.New("kafka: no broker given: pass at least one host:port")
	}
	var errs []error
	for _, b := range brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("kafka broker %q is not host:port", b))
		}
	}
	return errors.Join(errs...)
}
