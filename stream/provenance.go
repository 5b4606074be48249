package stream

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/internal/windowing"
)

// Range is where records of a window stand in one split of a source.
type Range struct {
	Source string `json:"source,omitempty"` // the source operator's name
	Split  string `json:"split,omitempty"`  // "clicks/3"; "" where the place of the records is not known
	First  int64  `json:"first"`            // offset
	Last   int64  `json:"last"`             // offset, inclusive; records that are not of the window may lie between the two
	Count  int64  `json:"count"`            // records of the window
}

// String is the range as "clicks/3:100-250", "clicks/3:100" for a single offset, "?" where the place is not known.
func (r Range) String() string {
	switch {
	case r.Split == "":
		return "?"
	case r.First == r.Last:
		return fmt.Sprintf("%s:%d", r.Split, r.First)
	}
	return fmt.Sprintf("%s:%d-%d", r.Split, r.First, r.Last)
}

// Ranges are where the records of a window stand: one Range for each split, by source, topic and partition. A last one without a Split counts records whose place
// is not known: results of windows or timers further up, or records that came before the window option was there.
type Ranges []Range

// String joins the ranges by commas, for a column of a table.
func (rs Ranges) String() string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.String()
	}
	return strings.Join(texts, ",")
}

// Cover is rs with more taken in: of each split the first and last offset of both, and the records of both. It may change and return rs, and leaves more as it is. So a
// function that folds results of windows can tell where all that went into them stands.
func (rs Ranges) Cover(more Ranges) Ranges {
	for _, m := range more {
		i, found := slices.BinarySearchFunc(rs, m, compareRanges)
		if !found {
			rs = slices.Insert(rs, i, m)
			continue
		}
		r := &rs[i]
		r.First, r.Last, r.Count = min(r.First, m.First), max(r.Last, m.Last), r.Count+m.Count
	}
	return rs
}

// Provenance keeps beside each window where its records stand in their splits, for Pane.From and Aggregated.From: for each split the first and last offset and how many
// records. It costs some 70 bytes a window in memory and a dozen in state. It may be added to a job that has state: of windows open then, the records that came
// before are counted, without a place. A pane that takes back what an earlier one showed has the ranges of that one. It is not for windows that keep
// their last records (sliding count windows).
func Provenance() WindowOption {
	return windowOption(func(c *windowConfig) { c.provenance = true })
}

// Version names the version of the job's definition, "v2", for Context.Version. It has no influence on results or state.
func Version(name string) JobOption { return jobOption(func(c *config) { c.version = name }) }

// Version is the version of the job, as the job option Version has it; "" without.
func (c *Context) Version() string { return c.job.cfg.version }

// rangesOf names the splits of ranges, in an order that does not depend on how splits are numbered. The result is reused: it is valid until the next call.
type rangesOf struct {
	splits *runtime.Splits
	out    Ranges
	order  []*runtime.Split
}

func (o *rangesOf) name(list []windowing.Range) Ranges {
	if len(list) == 0 {
		return nil
	}
	o.out, o.order = o.out[:0], o.order[:0]
	unknown := int64(0)
	for _, r := range list {
		sp := o.splits.Of(r.Split)
		if r.Split == flow.NoSplit || sp == nil {
			unknown += r.Count
			continue
		}
		i := len(o.order)
		for i > 0 && comparePlaces(sp, o.order[i-1]) < 0 {
			i--
		}
		o.order = slices.Insert(o.order, i, sp)
		o.out = slices.Insert(o.out, i, Range{Source: sp.Operator, Split: sp.ID, First: r.First, Last: r.Last, Count: r.Count})
	}
	if unknown > 0 {
		o.out = append(o.out, Range{Count: unknown})
	}
	return o.out
}

// compareRanges orders ranges as rangesOf does, by what their names say.
func compareRanges(a, b Range) int {
	if unknown := b.Split == ""; unknown != (a.Split == "") {
		return map[bool]int{true: -1, false: 1}[unknown]
	}
	topicA, numberA := placeOf(a.Split)
	topicB, numberB := placeOf(b.Split)
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(topicA, topicB), cmp.Compare(numberA, numberB), cmp.Compare(a.Split, b.Split))
}

// placeOf takes "clicks/3" apart; a name of another form is all topic.
func placeOf(split string) (topic string, partition int) {
	if i := strings.LastIndexByte(split, '/'); i >= 0 {
		if n, err := strconv.Atoi(split[i+1:]); err == nil {
			return split[:i], n
		}
	}
	return split, 0
}

func comparePlaces(a, b *runtime.Split) int {
	return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.ID, b.ID))
}
