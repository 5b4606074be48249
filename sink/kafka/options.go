package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// Option changes how records are written, by a Sink or a Producer.
type Option func(*config)

// Compression is how record batches are compressed.
type Compression = sarama.CompressionCodec

// The compressions there are; every broker since 2.1 knows them all.
const (
	Uncompressed = sarama.CompressionNone
	Gzip         = sarama.CompressionGZIP
	Snappy       = sarama.CompressionSnappy
	LZ4          = sarama.CompressionLZ4
	Zstd         = sarama.CompressionZSTD
)

type config struct {
	connection  cluster.Config
	compression Compression
	partitioner sarama.PartitionerConstructor
	hash        string // names the partitioner
	maxMessage  int
	maxInFlight int

	exactlyOnce bool
	timeout     time.Duration                               // of transactions
	prefix      string                                      // of transactional ids
	transaction string                                      // the transactional id of the producer at hand; empty for none
	backoff     func(retries, maxRetries int) time.Duration // of its transaction requests
	resend      func(retries, maxRetries int) time.Duration // of its records
}

const (
	defaultMaxMessage  = 1 << 20
	defaultMaxInFlight = 10_000
	producerRetries    = 10 // of one batch, by sarama, 250 ms apart

	defaultTransactionTimeout = 5 * time.Minute
	defaultTransactionPrefix  = "millrace"
	// A record of a transaction can be sent again as long as the transaction lives; one that fails for good fails the job's attempt.
	transactionRetries = 120
)

func newConfig(opts []Option) config {
	c := config{compression: LZ4, partitioner: sarama.NewMurmur2Partitioner, hash: "murmur2", maxMessage: defaultMaxMessage, maxInFlight: defaultMaxInFlight,
		timeout: defaultTransactionTimeout, prefix: defaultTransactionPrefix}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Compress sets the compression; LZ4 is the default.
func Compress(codec Compression) Option { return func(c *config) { c.compression = codec } }

// Murmur2 puts a key where Java producers put it. It is the default.
func Murmur2() Option {
	return func(c *config) { c.partitioner, c.hash = sarama.NewMurmur2Partitioner, "murmur2" }
}

// FNV1a puts a key where sarama's producers put it by default.
func FNV1a() Option {
	return func(c *config) { c.partitioner, c.hash = sarama.NewHashPartitioner, "fnv1a" }
}

// MaxMessageBytes is the largest record that will be sent: 1 MiB by default, as brokers have it.
func MaxMessageBytes(n int) Option { return func(c *config) { c.maxMessage = n } }

// MaxInFlight bounds how many records may wait for their acknowledgement: 10,000 by default.
func MaxInFlight(n int) Option { return func(c *config) { c.maxInFlight = n } }

// ExactlyOnce makes a Sink write by transactions that are committed together with the job's checkpoints: readers at isolation level read_committed see each
// row once, when its checkpoint is complete. All exactly-once sinks of a commit unit share its transactions, so they have the same brokers and producer
// settings. See the package's description.
func ExactlyOnce() Option { return func(c *config) { c.exactlyOnce = true } }

// TransactionTimeout is after how long the brokers give up a transaction that is not committed: it bounds how long readers wait behind a job that crashed and is
// not started again. It must be above the job's CheckpointEvery and at most the brokers' transaction.max.timeout.ms, which is 15 minutes by default. The default is
// 5 minutes.
func TransactionTimeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// TransactionPrefix is what transactional ids, and the group that keeps their markers, begin with: "millrace" by default. Jobs of one name in one cluster need
// different ones, or each takes the other for its older self. It must not change while a job has state.
func TransactionPrefix(s string) Option { return func(c *config) { c.prefix = s } }

// ClientID names this program in the brokers' logs and quotas.
func ClientID(id string) Option { return func(c *config) { c.connection.ClientID = id } }

// TLS encrypts connections.
func TLS(t *tls.Config) Option { return func(c *config) { c.connection.TLS = t } }

// SASL authenticates connections.
func SASL(m cluster.Mechanism, user, password string) Option {
	return func(c *config) { c.connection.SASL = cluster.SASL{Mechanism: m, User: user, Password: password} }
}

// Tune lets f change any other setting of sarama, after Millrace's own.
func Tune(f func(*sarama.Config)) Option { return func(c *config) { c.connection.Tune = f } }

// Connect takes all connection settings at once, for programs that share them with sources and topic tools.
func Connect(cfg cluster.Config) Option { return func(c *config) { c.connection = cfg } }

// sarama makes the producer's configuration: idempotent, every replica acknowledges, order kept across retries.
func (c *config) sarama() (*sarama.Config, error) {
	var errs []error
	if c.maxInFlight < 1 {
		errs = append(errs, fmt.Errorf("kafka sink: MaxInFlight (%d) must be at least 1", c.maxInFlight))
	}
	if c.maxMessage < 1 {
		errs = append(errs, fmt.Errorf("kafka sink: MaxMessageBytes (%d) must be at least 1", c.maxMessage))
	}
	if c.exactlyOnce && c.timeout < time.Second {
		errs = append(errs, fmt.Errorf("kafka sink: TransactionTimeout (%s) must be at least a second", c.timeout))
	}
	if c.exactlyOnce && c.prefix == "" {
		errs = append(errs, errors.New("kafka sink: TransactionPrefix is empty"))
	}
	connection := c.connection
	connection.Tune = func(s *sarama.Config) {
		p := &s.Producer
		p.Idempotent, p.RequiredAcks, s.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
		p.Retry.Max = producerRetries
		p.Partitioner = c.partitioner
		p.Compression = c.compression
		p.MaxMessageBytes = max(1, c.maxMessage)
		if c.transaction != "" {
			p.Retry.Max, p.Retry.BackoffFunc = transactionRetries, c.resend
			p.Transaction.ID, p.Transaction.Timeout = c.transaction, c.timeout
			p.Transaction.Retry.Max, p.Transaction.Retry.BackoffFunc = transactionRequests, c.backoff
		}
		if c.connection.Tune != nil {
			c.connection.Tune(s)
		}
		p.Return.Successes, p.Return.Errors = true, true // how a Producer learns of the end of each record
	}
	conf, err := connection.Sarama()
	return conf, errors.Join(append(errs, err)...)
}
