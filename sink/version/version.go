package version

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// MaxName is the longest name of a version in bytes, so that the names of its tables stay within what databases take.
const MaxName = 32

// Version is one computation of a result, and what is known of it. The zero value has no name and is not valid.
type Version struct {
	Name string `json:"name"`
	// Tables are where the rows are: from a reader's name to a table, an index or a location. No two versions share a place.
	Tables map[string]string `json:"tables"`
	// Definition is what the rows were computed by, for people: "gap=30m0s lateness=0s".
	Definition string `json:"definition"`
	// Job and Group are the name of the job that writes the version, and of its consumer group and state.
	Job   string `json:"job"`
	Group string `json:"group"`
	// Log is what the version has read, as its job last told: the rows of the last moments may still be on their way.
	Log []Extent `json:"log"`
	// CaughtUp says that the job has come to the end of the log at least once. It may be behind again by now: the log's ends tell.
	CaughtUp bool `json:"caught_up"`
	// Created tells this version from an earlier one of the same name. The catalog sets both, in UTC and to the microsecond.
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Extent is the part of one split of the log that a version has read: offsets From up to, but not including, To.
type Extent struct {
	Split string `json:"split"` // TOPIC/PARTITION
	// Incarnation tells a topic from another one of the same name, made after the first was deleted; "" where that is not known.
	Incarnation string `json:"incarnation,omitempty"`
	// Earliest is the first offset that the log had when the version began. Where it is below the log's present start, history was cut off since.
	Earliest int64 `json:"earliest"`
	From     int64 `json:"from"`
	To       int64 `json:"to"`
}

// CheckName says whether name can be a version's: lowercase letters, digits and underscores, not beginning with an underscore, at most MaxName bytes. So it can
// be part of the name of a table, an index, a topic or a directory.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("the version name %.40q must have 1 to %d bytes", name, MaxName)
	}
	for i, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && (r != '_' || i == 0) {
			return fmt.Errorf("the version name %q must consist of lowercase letters, digits and underscores and not begin with an underscore, as v2 or gap_15m", name)
		}
	}
	return nil
}

// Check says what is wrong with a version that is to be recorded: its name, no tables, a table without a place, or an extent that ends before it begins.
func (v Version) Check() error {
	if err := CheckName(v.Name); err != nil {
		return err
	}
	if len(v.Tables) == 0 {
		return fmt.Errorf("version %s has no tables", v.Name)
	}
	for _, reader := range v.Readers() {
		if reader == "" || v.Tables[reader] == "" {
			return fmt.Errorf("version %s: table %q is in place %q; both need a name", v.Name, reader, v.Tables[reader])
		}
	}
	for _, e := range v.Log {
		if e.Split == "" || e.To < e.From {
			return fmt.Errorf("version %s: the extent of split %q from %d to %d is not one", v.Name, e.Split, e.From, e.To)
		}
	}
	return nil
}

// Readers are the names that readers use, sorted.
func (v Version) Readers() []string { return slices.Sorted(maps.Keys(v.Tables)) }

// Read is how many offsets of the log the version has read.
func (v Version) Read() (n int64) {
	for _, e := range v.Log {
		n += e.To - e.From
	}
	return n
}

// Extend is log with what was read since: the extents of splits that log knows keep where they began and move where they ended, never back; other splits are
// added. The result is sorted by split, and log is not changed.
func Extend(log []Extent, read ...Extent) []Extent {
	out := slices.Clone(log)
	for _, e := range read {
		if i := slices.IndexFunc(out, func(o Extent) bool { return o.Split == e.Split }); i >= 0 {
			out[i].To = max(out[i].To, e.To)
			continue
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Extent) int { return compareSplits(a.Split, b.Split) })
	return out
}
