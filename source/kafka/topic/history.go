package topic

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// ErrCut is wrapped by what Uncut returns when records that were read before are no longer there.
var ErrCut = errors.New("the history was cut")

// Extent is a part of a partition: what a job has read, or what there is. Offsets are Kafka's.
type Extent struct {
	Split       string // "clicks/3", as the source names it
	Incarnation string // the topic's id; "" where the cluster gives none
	Earliest    int64  // the log's first offset when reading began
	From, To    int64  // where reading began, and the next offset to read
}

// Extents is what the topic holds now, by partition: of each, From is the first offset that is there and To the one that the next record will get. The error
// wraps ErrMissing when there is no such topic.
func Extents(ctx context.Context, brokers []string, name string, connection cluster.Config) ([]Extent, error) {
	c, err := cluster.New(brokers, connection)
	if err != nil {
		return nil, err
	}
	_, t, err := lookUp(ctx, c, name)
	if err != nil {
		return nil, err
	}
	return extents(ctx, c, t)
}

func extents(ctx context.Context, c *cluster.Cluster, t cluster.Topic) ([]Extent, error) {
	partitions := partitionsOf(t)
	first, err := c.Offsets(ctx, partitions, cluster.Earliest, false)
	if err != nil {
		return nil, fmt.Errorf("kafka earliest offsets: %w", err)
	}
	end, err := c.Offsets(ctx, partitions, cluster.Latest, false)
	if err != nil {
		return nil, fmt.Errorf("kafka end offsets: %w", err)
	}
	all := make([]Extent, len(partitions))
	for i, p := range partitions {
		all[i] = Extent{Split: t.Name + "/" + strconv.Itoa(i), Incarnation: t.Incarnation(), Earliest: first[p], From: first[p], To: end[p]}
	}
	return all, nil
}

func partitionsOf(t cluster.Topic) []cluster.Partition {
	ps := make([]cluster.Partition, len(t.Partitions))
	for i := range ps {
		ps[i] = cluster.Partition{Topic: t.Name, ID: int32(i)}
	}
	return ps
}

// Cut is a partition that lacks records which were read before.
type Cut struct {
	Then Extent // what was read
	Now  Extent // what there is; without a Split where the partition is gone
	// Remade says that the topic was deleted and created again: its offsets count other records.
	Remade bool
}

// Gone is how many of the offsets that were read are no longer there.
func (c Cut) Gone() int64 {
	read := max(0, c.Then.To-c.Then.From)
	if c.Remade || c.Now.Split == "" {
		return read
	}
	still := max(0, min(c.Now.To, c.Then.To)-max(c.Now.From, c.Then.From))
	return read - still
}

// String tells what is gone: "partition 0 was read from offset 0 and begins at 1200 now: 1200 records are gone (offsets 0 to 1199)".
func (c Cut) String() string {
	_, partition := splitOf(c.Then.Split)
	switch {
	case c.Now.Split == "":
		return fmt.Sprintf("partition %s is gone, with %d records that were read", partition, c.Gone())
	case c.Remade:
		return fmt.Sprintf("partition %s belongs to a topic that was deleted and created again (id %s, now %s): all %d records that were read are gone", partition, c.Then.Incarnation, c.Now.Incarnation, c.Gone())
	}
	var parts []string
	if c.Now.From > c.Then.From {
		last := min(c.Now.From, c.Then.To)
		parts = append(parts, fmt.Sprintf("was read from offset %d and begins at %d now: %d records are gone (offsets %d to %d)", c.Then.From, c.Now.From, last-c.Then.From, c.Then.From, last-1))
	}
	if c.Now.To < c.Then.To {
		parts = append(parts, fmt.Sprintf("was read up to offset %d and ends at %d now: its newest %d records are gone", c.Then.To, c.Now.To, c.Then.To-max(c.Now.To, c.Then.From)))
	}
	return "partition " + partition + " " + strings.Join(parts, ", and ")
}

// CutError lists the partitions that lack records. It wraps ErrCut.
type CutError struct {
	Topic string
	Cuts  []Cut
}

const mostNamed = 3 // partitions in the message of a CutError

// Error names the partitions, the first few, and what to do.
func (e *CutError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka topic %s: %s", e.Topic, ErrCut)
	for i, c := range e.Cuts[:min(len(e.Cuts), mostNamed)] {
		b.WriteString(map[bool]string{true: ": ", false: "; "}[i == 0])
		b.WriteString(c.String())
	}
	if more := len(e.Cuts) - mostNamed; more > 0 {
		fmt.Fprintf(&b, "; and %d more partitions", more)
	}
	b.WriteString(". A computation over what is left gives other results. Read a topic that was restored from a copy, or accept results without these records")
	return b.String()
}

// Unwrap is ErrCut.
func (e *CutError) Unwrap() error { return ErrCut }

// Verify reads what the topics of earlier extents hold now, and returns Uncut's error; it wraps ErrMissing where one of the topics is gone.
func Verify(ctx context.Context, brokers []string, then []Extent, connection cluster.Config) error {
	var now []Extent
	asked := map[string]bool{}
	for _, e := range then {
		name, _ := splitOf(e.Split)
		if asked[name] {
			continue
		}
		asked[name] = true
		held, err := Extents(ctx, brokers, name, connection)
		if err != nil {
			return err
		}
		now = append(now, held...)
	}
	return Uncut(now, then)
}

// Uncut compares what was read of topics before with what they hold now, as Extents gives it: a computation from the earliest offset sees again all that the
// earlier one saw, or the error, a *CutError, says what is missing. Empty extents miss nothing. Topics that now does not speak of are not compared.
func Uncut(now, then []Extent) error {
	have := make(map[string]Extent, len(now))
	known := map[string]bool{}
	for _, e := range now {
		have[e.Split] = e
		name, _ := splitOf(e.Split)
		known[name] = true
	}
	var errs []error
	byTopic := map[string]*CutError{}
	for _, was := range then {
		name, _ := splitOf(was.Split)
		is := have[was.Split]
		c := Cut{Then: was, Now: is, Remade: is.Split != "" && was.Incarnation != "" && is.Incarnation != "" && was.Incarnation != is.Incarnation}
		if !known[name] || c.Gone() == 0 {
			continue
		}
		if byTopic[name] == nil {
			byTopic[name] = &CutError{Topic: name}
			errs = append(errs, byTopic[name])
		}
		byTopic[name].Cuts = append(byTopic[name].Cuts, c)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// splitOf takes "clicks/3" apart.
func splitOf(split string) (topic, partition string) {
	i := strings.LastIndexByte(split, '/')
	if i < 0 {
		return split, "?"
	}
	return split[:i], split[i+1:]
}
