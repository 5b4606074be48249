// Package topic declares Kafka topics that keep a history: it creates them as declared, says in plain words what of a live topic would lose records that a
// replay needs (Check), and compares what a log holds now with what was read from it before (Extents, Uncut).
package topic

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/source/kafka/cluster"
)

var (
	// ErrExists is wrapped by what Create returns when the topic is there already with another partition count.
	ErrExists = errors.New("topic exists with another partition count")
	// ErrMissing is wrapped by what Describe, Check and Extents return when there is no such topic.
	ErrMissing = errors.New("topic does not exist")
	// ErrNoTiering is wrapped by what Create returns when tiered storage is declared and the brokers do not offer it.
	ErrNoTiering = errors.New("the brokers offer no tiered storage")
)

// Spec declares a topic. Its zero values leave things to the cluster, but for a topic with a Retention, which is made to keep its history as told.
type Spec struct {
	Name       string
	Partitions int32 // at least 1 to create a topic; Check compares no number where it is 0
	// Replication is the number of copies; 0 lets the cluster decide.
	Replication int16
	// Retention is how long records stay, counted from their own timestamp: Forever, or a span, in whole milliseconds. With 0 nothing is declared about the
	// history. Otherwise old records go by this span alone: no compaction, no limit on size but RetentionBytes, timestamps as producers gave them.
	Retention time.Duration
	// RetentionBytes is the size of a partition beyond which its oldest records go; 0 is no limit.
	RetentionBytes int64
	// MinInSync is how many copies must have a record before it is acknowledged (min.insync.replicas); 0 is 2 where Replication is 3 or more, and otherwise
	// the cluster's.
	MinInSync int16
	// Tiered, if set, lets brokers move closed segments to remote storage.
	Tiered *Tiered
	// Configs are further settings of the topic, for example "max.message.bytes": "2097152".
	Configs map[string]string
	// CutAccepted says that Check need not call records lost that are gone already.
	CutAccepted bool
	// Connection is how to reach the cluster.
	Connection cluster.Config
}

// Tiered is what stays on the brokers' own disks of a topic with tiered storage, after a segment is in remote storage. The zero value leaves that to the cluster.
type Tiered struct {
	LocalRetention      time.Duration // in whole milliseconds; 0 is the cluster's setting
	LocalRetentionBytes int64         // of a partition; 0 is the cluster's setting
}

// The settings of a topic that decide over its history.
const (
	cleanupPolicy  = "cleanup.policy"
	retentionMs    = "retention.ms"
	retentionBytes = "retention.bytes"
	timestampType  = "message.timestamp.type"
	minInSync      = "min.insync.replicas"
	remoteEnable   = "remote.storage.enable"
	localMs        = "local.retention.ms"
	localBytes     = "local.retention.bytes"
	// refusedBefore bounds how far a record's timestamp may lie before the broker's time, refusedAfter how far after it.
	refusedBefore = "message.timestamp.before.max.ms"
	refusedAfter  = "message.timestamp.after.max.ms"
)

// unbounded is how Kafka writes that there is no bound, -1 how it writes that there is no limit.
var unbounded = strconv.FormatInt(math.MaxInt64, 10)

// validate joins everything that is wrong with the declaration.
func (s Spec) validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Name == "" {
		fail("it has no name")
	}
	if s.Retention < 0 && s.Retention != Forever || s.Retention > 0 && s.Retention < time.Millisecond {
		fail("retention %s: use Forever or a span of a millisecond or more", s.Retention)
	}
	if s.Partitions < 0 || s.Replication < 0 || s.MinInSync < 0 || s.RetentionBytes < 0 {
		fail("partitions %d, replication %d, min in sync %d and retention bytes %d must not be negative", s.Partitions, s.Replication, s.MinInSync, s.RetentionBytes)
	}
	if s.Retention == 0 && (s.RetentionBytes != 0 || s.Tiered != nil) {
		fail("a size limit or tiered storage belongs to a topic with a retention: set Retention, to Forever if records stay")
	}
	if s.Replication > 0 && s.MinInSync > s.Replication {
		fail("min in sync %d exceeds the replication %d: nobody could write", s.MinInSync, s.Replication)
	}
	if t := s.Tiered; t != nil {
		if t.LocalRetention < 0 || t.LocalRetentionBytes < 0 {
			fail("local retention %s and %d bytes must not be negative", t.LocalRetention, t.LocalRetentionBytes)
		}
		if s.Retention > 0 && t.LocalRetention > s.Retention {
			fail("local retention %s exceeds the retention %s", FormatSpan(t.LocalRetention), FormatSpan(s.Retention))
		}
	}
	declared := s.settings()
	for _, name := range slices.Sorted(maps.Keys(s.Configs)) {
		if v, twice := declared[name]; twice && v != s.Configs[name] {
			fail("%s is declared twice, as %s and in Configs as %s", name, v, s.Configs[name])
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("kafka topic %q as declared: %w", s.Name, errors.Join(errs...))
}

// settings are the topic's settings as declared, without Configs.
func (s Spec) settings() map[string]string {
	set := map[string]string{}
	if n := s.minInSync(); n > 0 {
		set[minInSync] = strconv.Itoa(int(n))
	}
	if s.Retention == 0 {
		return set
	}
	set[cleanupPolicy], set[timestampType] = "delete", "CreateTime"
	set[retentionMs], set[retentionBytes] = "-1", "-1"
	if s.Retention > 0 {
		set[retentionMs] = ms(s.Retention)
	}
	if s.RetentionBytes > 0 {
		set[retentionBytes] = strconv.FormatInt(s.RetentionBytes, 10)
	}
	if t := s.Tiered; t != nil {
		set[remoteEnable] = "true"
		if t.LocalRetention > 0 {
			set[localMs] = ms(t.LocalRetention)
		}
		if t.LocalRetentionBytes > 0 {
			set[localBytes] = strconv.FormatInt(t.LocalRetentionBytes, 10)
		}
	}
	return set
}

func (s Spec) minInSync() int16 {
	if s.MinInSync == 0 && s.Retention != 0 && s.Replication >= 3 {
		return 2
	}
	return s.MinInSync
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// configCommand is the command of Kafka's own tools that gives a topic settings, "name=value" each.
func configCommand(brokers, topic string, settings ...string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s", brokers, topic, strings.Join(settings, ","))
}
