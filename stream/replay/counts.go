package replay

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/stream"
)

// counts are counters of jobs that have ended, in the order that Job.Counters has. The zero value has none.
type counts []stream.Sample

func (c *counts) add(samples []stream.Sample) { *c = c.plus(samples) }

// plus is c with samples added to it.
func (c counts) plus(samples []stream.Sample) counts {
	sum := slices.Clone(c)
	for _, s := range samples {
		at, found := slices.BinarySearchFunc(sum, s, func(a, b stream.Sample) int {
			if n := strings.Compare(a.Name, b.Name); n != 0 {
				return n
			}
			return slices.Compare(a.Labels, b.Labels)
		})
		if found {
			sum[at].Value += s.Value
			continue
		}
		sum = slices.Insert(sum, at, s)
	}
	return sum
}
