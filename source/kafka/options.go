package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// Option changes how a Source reads.
type Option func(*config)

type config struct {
	connection cluster.Config
	topics     []string // sorted, without duplicates, after validate
	pattern    *regexp.Regexp
	whole      *regexp.Regexp // pattern, anchored at both ends
	partitions []Partition

	start    Position
	untilEnd bool
	until    time.Time // zero: no such end
	stop     map[Partition]int64

	discovery     time.Duration
	readCommitted bool
	group         string
	fetchBytes    int32
	maxBatchBytes int32
	retryFor      time.Duration
}

const (
	defaultDiscovery     = 5 * time.Minute
	defaultFetchBytes    = 1 << 20
	defaultMaxBatchBytes = 64 << 20
	defaultRetryFor      = 30 * time.Second
	maxWait              = 500 * time.Millisecond // of one long poll
)

func newConfig(topic string) config {
	c := config{
		start: Earliest(), discovery: defaultDiscovery, fetchBytes: defaultFetchBytes, maxBatchBytes: defaultMaxBatchBytes, retryFor: defaultRetryFor,
	}
	if topic != "" {
		c.topics = []string{topic}
	}
	return c
}

// Topics reads these topics too.
func Topics(names ...string) Option {
	return func(c *config) { c.topics = append(slices.Clip(c.topics), names...) }
}

// Pattern also reads every topic whose whole name matches re, those created later included. Kafka's internal topics never match.
func Pattern(re *regexp.Regexp) Option {
	whole := regexp.MustCompile("^(?:" + re.String() + ")$") // what compiled once compiles in parentheses
	return func(c *config) { c.pattern, c.whole = re, whole }
}

// Partitions reads these partitions and nothing else. A Partition without a Topic is one of the source's topic.
func Partitions(ps ...Partition) Option {
	return func(c *config) { c.partitions = append(slices.Clip(c.partitions), ps...) }
}

// StartFrom says where to begin a partition for which the job has no saved state; the default is Earliest. Partitions discovered while the job runs begin
// at their earliest offset, so that nothing written between their creation and discovery is lost.
func StartFrom(p Position) Option { return func(c *config) { c.start = p } }

// UntilEnd ends each partition at the offset that was its end when the splits were first listed (with ReadCommitted: its last stable offset).
func UntilEnd() Option { return func(c *config) { c.untilEnd = true } }

// UntilTime ends each partition before the first record whose timestamp is t or later; one that has none yet ends where UntilEnd would end it. Records of an
// earlier time that stand behind that record are not read.
func UntilTime(t time.Time) Option { return func(c *config) { c.until = t } }

// StopAt ends the partitions at the given offsets, exclusive. Partitions that are not named never end, or with UntilEnd end there.
func StopAt(offsets map[Partition]int64) Option {
	return func(c *config) { c.stop = maps.Clone(offsets) }
}

// DiscoveryInterval is how often to look for new partitions and topics: 5 minutes by default, zero or less means never. A bounded source never does.
func DiscoveryInterval(d time.Duration) Option { return func(c *config) { c.discovery = d } }

// ReadCommitted leaves out records of transactions that were aborted, and waits for those still open.
func ReadCommitted() Option { return func(c *config) { c.readCommitted = true } }

// Group shows the job's progress as the offsets of this consumer group, set after each checkpoint. The job does not read them back, nor join the group.
func Group(name string) Option { return func(c *config) { c.group = name } }

// FetchBytes is how many bytes of records to ask a broker for at once, per partition: 1 MiB by default. A chunk in memory is about that, times the
// compression ratio.
func FetchBytes(n int32) Option { return func(c *config) { c.fetchBytes = n } }

// MaxBatchBytes is the largest record batch that will be read, as stored: 64 MiB by default.
func MaxBatchBytes(n int32) Option { return func(c *config) { c.maxBatchBytes = n } }

// RetryFor is how long a reader tries to get on with a broker that is away before it returns a temporary error: 30 seconds by default.
func RetryFor(d time.Duration) Option { return func(c *config) { c.retryFor = d } }

// ClientID names this program in the brokers' logs and quotas.
func ClientID(id string) Option { return func(c *config) { c.connection.ClientID = id } }

// TLS encrypts connections.
func TLS(t *tls.Config) Option { return func(c *config) { c.connection.TLS = t } }

// SASL authenticates connections.
func SASL(m cluster.Mechanism, user, password string) Option {
	return func(c *config) { c.connection.SASL = cluster.SASL{Mechanism: m, User: user, Password: password} }
}

// Tune lets f change any other setting of sarama.
func Tune(f func(*sarama.Config)) Option { return func(c *config) { c.connection.Tune = f } }

// Connect takes all connection settings at once, for programs that share them with sinks and topic tools.
func Connect(cfg cluster.Config) Option { return func(c *config) { c.connection = cfg } }

func (c *config) bounded() bool { return c.untilEnd || !c.until.IsZero() || len(c.stop) > 0 }

// topicNames are the topics to read by name.
func (c *config) topicNames() []string {
	if len(c.partitions) == 0 {
		return c.topics
	}
	var names []string
	for _, p := range c.partitions {
		names = append(names, p.Topic)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// validate completes the configuration and joins everything that is wrong with it.
func (c *config) validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("kafka source: "+format, args...)) }
	main := ""
	if len(c.topics) > 0 {
		main = c.topics[0]
	}
	c.partitions = slices.Clone(c.partitions)
	for i, p := range c.partitions {
		if p.Topic == "" {
			c.partitions[i].Topic = main
		}
		if c.partitions[i].Topic == "" || p.ID < 0 {
			fail("partition %d of topic %q cannot be read: give a topic and a number from 0", p.ID, p.Topic)
		}
	}
	slices.SortFunc(c.partitions, comparePartitions)
	c.partitions = slices.Compact(c.partitions)
	c.topics = slices.Clone(c.topics)
	slices.Sort(c.topics)
	c.topics = slices.Compact(c.topics)
	if slices.Contains(c.topics, "") {
		fail("a topic name is empty")
	}
	if len(c.topics) == 0 && len(c.partitions) == 0 && c.pattern == nil {
		fail("nothing to read: give a topic, Topics, Pattern or Partitions")
	}
	if len(c.partitions) > 0 && c.pattern != nil {
		fail("Partitions and Pattern exclude each other")
	}
	if c.start == nil {
		fail("the start position is nil")
	} else if err := c.start.validate(); err != nil {
		errs = append(errs, err)
	}
	for p, offset := range c.stop {
		if offset < 0 {
			fail("stop offset %d of %s is negative", offset, splitID(p))
		}
	}
	if c.fetchBytes <= 0 || c.maxBatchBytes < c.fetchBytes {
		fail("FetchBytes (%d) must be above 0 and at most MaxBatchBytes (%d)", c.fetchBytes, c.maxBatchBytes)
	}
	if c.maxBatchBytes > maxResponse {
		fail("MaxBatchBytes (%d) must be at most %d", c.maxBatchBytes, maxResponse)
	}
	if c.retryFor < 0 {
		fail("RetryFor (%s) is negative", c.retryFor)
	}
	return errors.Join(errs...)
}
