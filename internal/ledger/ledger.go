// Package ledger accounts for the records of a job: each one that was read ends in exactly one class, so that for every split
//
//	in + copied = used + late + filtered + dead-lettered + skipped + quarantined + expired
//
// Tasks count what ends in them in a Book, by the split that it came from. A checkpoint adds up the books of the tasks that commit together, at their barriers:
// what was read before the barrier has ended before it, so the equation holds at each checkpoint and not only at the end.
package ledger

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnbalanced is returned where records were read that did not end, or ended that were not read.
var ErrUnbalanced = errors.New("the ledger does not balance")

// Counts is what became of a split's records since the job began to read it, over all its runs: as of a checkpoint, exact, and repeated by no restart. What takes
// back an earlier result, and what comes out of windows and keyed state, is no record of the split.
type Counts struct {
	// In is the records that were read, and the positions that had Expired.
	In int64 `json:",omitempty"`
	// Copied is the further records that one became: by a stream that has several readers, by a FlatMap or a function that emits more than one.
	Copied int64 `json:",omitempty"`
	// Used reached a window, the state of a key, or a sink.
	Used int64 `json:",omitempty"`
	// Late came when no window took them any more.
	Late int64 `json:",omitempty"`
	// Filtered ended before: by a Filter, by a FlatMap or function that emitted nothing for them, by windows of which none covers their time, in a stream that
	// nobody reads.
	Filtered int64 `json:",omitempty"`
	// DeadLettered could not be decoded and went to DeadLetters.
	DeadLettered int64 `json:",omitempty"`
	// Skipped could not be decoded and were passed over, by SkipUndecodable.
	Skipped int64 `json:",omitempty"`
	// Quarantined had a timestamp beyond the guard.
	Quarantined int64 `json:",omitempty"`
	// Expired is positions that the log no longer had when the job came to them, by AllowLogCut.
	Expired int64 `json:",omitempty"`
}

// Difference is what was read and has not ended, 0 where the counts balance; it is negative where more ended than was read.
func (c Counts) Difference() int64 {
	return c.In + c.Copied - c.Used - c.Late - c.Filtered - c.DeadLettered - c.Skipped - c.Quarantined - c.Expired
}

// Plus is the sum of two.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		In: c.In + d.In, Copied: c.Copied + d.Copied, Used: c.Used + d.Used, Late: c.Late + d.Late, Filtered: c.Filtered + d.Filtered,
		DeadLettered: c.DeadLettered + d.DeadLettered, Skipped: c.Skipped + d.Skipped, Quarantined: c.Quarantined + d.Quarantined, Expired: c.Expired + d.Expired,
	}
}

// String is the equation, without what is 0 but for used: "1000 in = 990 used + 10 late".
func (c Counts) String() string {
	var left, right []string
	for _, t := range c.Named() {
		text := fmt.Sprintf("%d %s", t.Count, strings.ReplaceAll(t.Name, "_", " "))
		switch {
		case t.Name == "in" || t.Name == "copied" && t.Count != 0:
			left = append(left, text)
		case t.Name == "used" || t.Count != 0:
			right = append(right, text)
		}
	}
	equal := " = "
	if c.Difference() != 0 {
		equal = " != "
	}
	return strings.Join(left, " + ") + equal + strings.Join(right, " + ")
}

// Named is one class's count.
type Named struct {
	Name  string
	Count int64
}

// Named lists all classes by name, in their order: "in" and "copied", then where records ended.
func (c Counts) Named() []Named {
	return []Named{
		{"in", c.In}, {"copied", c.Copied}, {"used", c.Used}, {"late", c.Late}, {"filtered", c.Filtered}, {"dead_lettered", c.DeadLettered},
		{"skipped", c.Skipped}, {"quarantined", c.Quarantined}, {"expired", c.Expired},
	}
}

// Entry is one split's.
type Entry struct {
	Operator string // the source
	Split    string
	Counts
}

// Ledger is a job's, one entry for each split.
type Ledger []Entry

// Total is the sum over all splits.
func (l Ledger) Total() (c Counts) {
	for _, e := range l {
		c = c.Plus(e.Counts)
	}
	return c
}

// Balanced is nil where each split's counts balance. The error wraps ErrUnbalanced and names the splits and by how much they are off.
func (l Ledger) Balanced() error {
	var wrong []string
	for _, e := range l {
		d := e.Difference()
		if d == 0 {
			continue
		}
		what := fmt.Sprintf("%d that were read did not end", d)
		if d < 0 {
			what = fmt.Sprintf("%d ended that were not read", -d)
		}
		wrong = append(wrong, fmt.Sprintf("of split %s of %q %s (%s)", e.Split, e.Operator, what, e.Counts))
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%w: %s; the results lack records, or have them twice, that the log has once: please report it, and compute them again in a new group", ErrUnbalanced, strings.Join(wrong, "; "))
}
