package kafka

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/millrace/millrace/source/kafka/cluster"
)

// Position is where to begin partitions that have no saved state: Earliest, Latest, Timestamp, Committed or Offsets.
type Position interface {
	validate() error
	// resolve gives every partition its offset. ends are the partitions' end offsets, read before resolve is called.
	resolve(ctx context.Context, c *cluster.Cluster, ps []Partition, ends map[Partition]int64) (map[Partition]int64, error)
}

// Earliest begins with the oldest record that is still there.
func Earliest() Position { return earliest{} }

// Latest begins with the first record written after the splits were listed.
func Latest() Position { return latest{} }

// Timestamp begins with the first record whose timestamp is t or later. A partition without one begins at the end it had before it was asked, so that a
// record written in between is read.
func Timestamp(t time.Time) Position { return timestamp(t.UnixMilli()) }

// Committed begins where the consumer group stands, and at fallback where it has no offset.
func Committed(group string, fallback Position) Position { return committed{group, fallback} }

// Offsets begins at the given offsets; a partition that is not named begins at its earliest.
func Offsets(offsets map[Partition]int64) Position { return given(maps.Clone(offsets)) }

type (
	earliest  struct{}
	latest    struct{}
	timestamp int64
	committed struct {
		group    string
		fallback Position
	}
	given map[Partition]int64
)

func (earliest) validate() error  { return nil }
func (latest) validate() error    { return nil }
func (timestamp) validate() error { return nil }

func (c committed) validate() error {
	if c.group == "" || c.fallback == nil {
		return fmt.Errorf("kafka source: Committed needs a group (%q) and a fallback position (%v)", c.group, c.fallback)
	}
	return c.fallback.validate()
}

func (g given) validate() error {
	for p, offset := range g {
		if offset < 0 {
			return fmt.Errorf("kafka source: start offset %d of %s is negative", offset, splitID(p))
		}
	}
	return nil
}

func (earliest) resolve(ctx context.Context, c *cluster.Cluster, ps []Partition, _ map[Partition]int64) (map[Partition]int64, error) {
	return c.Offsets(ctx, ps, cluster.Earliest, false)
}

func (latest) resolve(_ context.Context, _ *cluster.Cluster, _ []Partition, ends map[Partition]int64) (map[Partition]int64, error) {
	return ends, nil
}

func (t timestamp) resolve(ctx context.Context, c *cluster.Cluster, ps []Partition, ends map[Partition]int64) (map[Partition]int64, error) {
	got, err := c.Offsets(ctx, ps, max(0, int64(t)), false)
	if err != nil {
		return nil, err
	}
	for p, offset := range got {
		if offset < 0 {
			got[p] = ends[p]
		}
	}
	return got, nil
}

func (c committed) resolve(ctx context.Context, cl *cluster.Cluster, ps []Partition, ends map[Partition]int64) (map[Partition]int64, error) {
	got, err := cl.Committed(ctx, c.group, ps)
	if err != nil {
		return nil, err
	}
	return complete(ctx, cl, got, c.fallback, ps, ends)
}

func (g given) resolve(ctx context.Context, c *cluster.Cluster, ps []Partition, ends map[Partition]int64) (map[Partition]int64, error) {
	return complete(ctx, c, maps.Clone(map[Partition]int64(g)), earliest{}, ps, ends)
}

// complete fills in the partitions that got lacks.
func complete(ctx context.Context, c *cluster.Cluster, got map[Partition]int64, fallback Position, ps []Partition, ends map[Partition]int64) (map[Partition]int64, error) {
	var missing []Partition
	for _, p := range ps {
		if _, ok := got[p]; !ok {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return got, nil
	}
	rest, err := fallback.resolve(ctx, c, missing, ends)
	if err != nil {
		return nil, err
	}
	if got == nil {
		return rest, nil
	}
	for _, p := range missing {
		got[p] = rest[p]
	}
	return got, nil
}

// splitID is the stable name of a partition: "clicks/3".
func splitID(p Partition) string { return p.Topic + "/" + strconv.Itoa(int(p.ID)) }

func comparePartitions(a, b Partition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID))
}
