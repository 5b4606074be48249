package topic

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// copies compares partitions and replicas.
func (k *checker) copies() {
	s, d := k.spec, k.live
	find := k.compare("partitions", strconv.Itoa(int(d.Partitions)), number(int64(s.Partitions)))
	if s.Partitions > 0 && d.Partitions != s.Partitions {
		find(Breaks, fmt.Sprintf("a key's partition depends on their number, so that producers and jobs that count on %d put and look for keys elsewhere, and a job's saved state is refused", s.Partitions),
			"declare the number that the topic has; to change it, create another topic and copy the records into it, since added partitions split a key's history in two")
	}

	find = k.compare("replication", strconv.Itoa(int(d.Replication)), number(int64(s.Replication)))
	problem := fmt.Sprintf("the history of a partition is gone with the disks of %d brokers", d.Replication)
	if d.Replication == 1 {
		problem = "there is one copy: with the disk of its broker the history of a partition is gone"
	}
	advised := int16(min(3, d.Brokers))
	switch {
	case d.Replication < s.Replication:
		find(Loses, problem, k.reassign(s.Replication))
	case s.Replication == 0 && d.Replication == 1 && d.Brokers > 1:
		find(Loses, problem, k.reassign(advised))
	case d.Replication == 1 || s.Replication == 0 && d.Replication < advised:
		find(Note, problem, k.reassign(3))
	}
	if d.InSync < d.Replication {
		k.compare("in sync", strconv.Itoa(int(d.InSync)), strconv.Itoa(int(d.Replication)))(Note, "a partition has copies that lag behind, or whose broker is down, and counts on the others meanwhile",
			"see kafka-topics.sh --bootstrap-server "+k.at+" --describe --under-replicated-partitions")
	}
	k.acknowledged()
	if v, ok := k.value("unclean.leader.election.enable"); ok && v == "true" {
		k.compare("unclean.leader.election.enable", v, "false")(Loses, "a copy that lacks the newest records may become the leader: they are gone, though they were acknowledged and perhaps read", k.set("unclean.leader.election.enable=false"))
	}
}

// reassign is how a topic gets more copies.
func (k *checker) reassign(copies int16) string {
	if k.live.Brokers < int(copies) {
		return fmt.Sprintf("it takes %d brokers, and the cluster has %d: add some, and then give each partition of %s %d replicas by kafka-reassign-partitions.sh", copies, k.live.Brokers, k.spec.Name, copies)
	}
	return fmt.Sprintf("kafka-reassign-partitions.sh --bootstrap-server %s --reassignment-json-file FILE --execute, with %d replicas for each partition of %s in FILE", k.at, copies, k.spec.Name)
}

// acknowledged compares how many copies a record has when its producer is told that it is safe.
func (k *checker) acknowledged() {
	actual, ok := k.number(minInSync)
	if !ok {
		return
	}
	declared := int64(k.spec.minInSync())
	find := k.compare(minInSync, strconv.FormatInt(actual, 10), number(declared))
	copies := int64(k.live.Replication)
	severity, least := Loses, declared
	if declared == 0 && copies >= 3 {
		severity, least = Note, 2
	}
	switch {
	case actual > copies:
		find(Breaks, fmt.Sprintf("nobody can write with acks=all: %d copies must have a record, and there are %d", actual, copies), k.set(fmt.Sprintf("%s=%d", minInSync, max(1, copies-1))))
	case actual < least:
		find(severity, fmt.Sprintf("a record is acknowledged with %d of %d copies when the other brokers are away: if that disk fails before they catch up, the record is gone though its producer was told that it is safe", actual, copies),
			k.set(fmt.Sprintf("%s=%d", minInSync, least)))
	}
}

// deletion compares what removes records.
func (k *checker) deletion() {
	if policy, ok := k.value(cleanupPolicy); ok {
		find := k.compare(cleanupPolicy, policy, "delete")
		switch {
		case strings.Contains(policy, "compact"):
			find(Loses, "compaction keeps the newest record of each key only: all earlier events of a user are gone, and a replay does not see them", k.set(cleanupPolicy+"=delete"))
		case policy != "delete":
			find(Note, "nothing is ever deleted, whatever the retention says", k.set(cleanupPolicy+"=delete"))
		}
	}
	if actual, ok := k.number(retentionMs); ok {
		is, want := spanOf(actual), k.spec.Retention
		find := k.compare(retentionMs, describeMs(actual), FormatSpan(want))
		mend := k.set(retentionMs + "=" + k.spec.settings()[retentionMs])
		switch {
		case shorter(is, want):
			find(Loses, fmt.Sprintf("records are deleted %s after their timestamp: a replay begins in the middle of the history, and records published with an older timestamp go at once", describeMs(actual)), mend)
		case is != want:
			find(Note, "records stay longer than declared", mend)
		}
	}
	if actual, ok := k.number(retentionBytes); ok {
		want := int64(-1)
		if k.spec.RetentionBytes > 0 {
			want = k.spec.RetentionBytes
		}
		find := k.compare(retentionBytes, describeBytes(actual), describeBytes(want))
		if actual >= 0 && (want < 0 || actual < want) {
			find(Loses, fmt.Sprintf("a partition's oldest records are deleted when it exceeds %d bytes, however long records are to stay", actual), k.set(fmt.Sprintf("%s=%d", retentionBytes, want)))
		}
	}
}

// times compares what happens to records' timestamps.
func (k *checker) times() {
	if actual, ok := k.value(timestampType); ok {
		if find := k.compare(timestampType, actual, "CreateTime"); actual != "CreateTime" {
			find(Loses, "the broker overwrites the time that a producer gave a record with its own: when things happened is lost, starting at a time goes by arrival, and a copied history looks as if it all happened when it was copied", k.set(timestampType+"=CreateTime"))
		}
	}
	before := refusedBefore
	if _, ok := k.value(before); !ok {
		before = "message.timestamp.difference.max.ms" // of brokers before 3.6
	}
	if actual, ok := k.number(before); ok {
		is := spanOf(actual)
		if actual == math.MaxInt64 {
			is = Forever
		}
		find := k.compare(before, limit(is), limit(k.spec.Retention))
		if shorter(is, k.spec.Retention) {
			find(Breaks, fmt.Sprintf("the broker refuses records whose timestamp is more than %s ago: history cannot be loaded, or loaded again", FormatSpan(is)), k.set(before+"="+unbounded))
		}
	}
	const leastAhead = time.Minute
	if actual, ok := k.number(refusedAfter); ok {
		wanted := k.spec.Configs[refusedAfter]
		find := k.compare(refusedAfter, limit(spanOf(actual)), wanted)
		switch {
		case wanted != "" && wanted != strconv.FormatInt(actual, 10):
			find(Note, "the setting is not the declared one", k.set(refusedAfter+"="+wanted))
		case shorter(spanOf(actual), leastAhead):
			find(Breaks, fmt.Sprintf("the broker refuses records whose timestamp is more than %s ahead of its own clock: that is less than clocks differ", spanOf(actual)), k.set(refusedAfter+"=3600000"))
		}
	}
}

// tiers compares where records are kept.
func (k *checker) tiers() {
	enabled, offered := k.value(remoteEnable)
	declared := k.spec.Tiered != nil
	if !offered && !declared {
		return
	}
	if !offered {
		enabled = "not known to the broker"
	}
	wanted := ""
	if declared {
		wanted = "true"
	}
	find := k.compare(remoteEnable, enabled, wanted)
	on := enabled == "true"
	switch {
	case declared && !on:
		find(Breaks, "tiered storage is declared and off: the brokers' own disks must hold the whole history, and a broker whose disk is full stops",
			k.set(remoteEnable+"=true")+"; the brokers need remote.log.storage.system.enable=true for it")
	case on && !declared:
		find(Note, "segments move to remote storage, which was not declared: the history is as safe as that is", "declare tiered storage for the topic")
	}
	if !on {
		return
	}
	if v, ok := k.value("remote.copy.disable"); ok && v == "true" {
		k.compare("remote.copy.disable", v, "false")(Breaks, "closed segments are no longer copied to remote storage, so that the brokers' disks fill up", k.set("remote.copy.disable=false"))
	}
	k.local()
}

// local compares what stays on the brokers' disks beside remote storage.
func (k *checker) local() {
	const asRetention = -2 // local.retention.ms and .bytes follow the topic's own
	span, told := k.number(localMs)
	size, sizeTold := k.number(localBytes)
	if !told || !sizeTold {
		return
	}
	var want Tiered
	if k.spec.Tiered != nil {
		want = *k.spec.Tiered
	}
	describe := func(n int64, how func(int64) string) string {
		if n == asRetention {
			return "as retention"
		}
		return how(n)
	}
	wantSpan, wantSize := "", ""
	if want.LocalRetention > 0 {
		wantSpan = FormatSpan(want.LocalRetention)
	}
	if want.LocalRetentionBytes > 0 {
		wantSize = describeBytes(want.LocalRetentionBytes)
	}
	find := k.compare(localMs, describe(span, describeMs), wantSpan)
	findSize := k.compare(localBytes, describe(size, describeBytes), wantSize)
	if want.LocalRetention > 0 && span != want.LocalRetention.Milliseconds() {
		find(Note, "the brokers' disks keep another span than declared", k.set(localMs+"="+ms(want.LocalRetention)))
	}
	if want.LocalRetentionBytes > 0 && size != want.LocalRetentionBytes {
		findSize(Note, "the brokers' disks keep another size than declared", k.set(fmt.Sprintf("%s=%d", localBytes, want.LocalRetentionBytes)))
	}
	if span == asRetention {
		span, _ = k.number(retentionMs)
	}
	if size == asRetention {
		size, _ = k.number(retentionBytes)
	}
	if span < 0 && size < 0 {
		find(Breaks, "nothing ever leaves the brokers' own disks, which must hold the whole history although it is in remote storage too: a broker whose disk is full stops", k.set(localMs+"="+ms(week)))
	}
}

// limit is how far timestamps may be off, for people.
func limit(d time.Duration) string {
	if d == Forever {
		return "no limit"
	}
	return FormatSpan(d)
}

// number is a declared number, "" for none.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
