package compare

import "github.com/millrace/millrace/sink/version"

// Report is what a comparison has found. Counts are of rows.
type Report struct {
	Table string `json:"table"`
	Old   string `json:"old"` // names of the versions
	New   string `json:"new"`

	Rows    Rows     `json:"rows"`
	Key     []string `json:"key"`
	Columns []string `json:"columns"` // that were compared, the key's first
	// OnlyOld and OnlyNew are columns that one version has and the other lacks. They count as no difference of rows.
	OnlyOld []string `json:"columns_only_in_old,omitempty"`
	OnlyNew []string `json:"columns_only_in_new,omitempty"`
	// Changes are, by column, the changed rows that differ in it; columns without are left out.
	Changes []Change `json:"changes"`
	// Reasons explain the differences of intervals; nil where rows are none.
	Reasons *Reasons `json:"reasons,omitempty"`
	// Log is where the versions have not read the same part of the log, which may be all there is to a difference.
	Log []LogDifference `json:"log_differences"`
	// Examples are the first differences, in the order of the key.
	Examples []Example `json:"examples"`
}

// Rows counts rows by their key: Old = Equal + Changed + OnlyOld, and New = Equal + Changed + OnlyNew.
type Rows struct {
	Old     int64 `json:"old"`
	New     int64 `json:"new"`
	Equal   int64 `json:"equal"`
	Changed int64 `json:"changed"`
	OnlyOld int64 `json:"only_in_old"`
	OnlyNew int64 `json:"only_in_new"`
}

// Change is a column and how many changed rows differ in it.
type Change struct {
	Column string `json:"column"`
	Rows   int64  `json:"rows"`
}

// Reasons say what became of intervals. Those of the old and the new version that overlap, directly or by others, belong together:
//
//	old = Identical + Content + Moved + Split + Merged + Regrouped + Vanished
//	new = Identical + Content + Moved + SplitInto + MergedInto + RegroupedInto + Appeared
type Reasons struct {
	Identical     int64 `json:"identical"`       // one became one, the same in all columns
	Content       int64 `json:"changed_content"` // one became one with the same bounds and other values
	Moved         int64 `json:"moved_boundary"`  // one became one with other bounds
	Split         int64 `json:"split"`           // one became several
	SplitInto     int64 `json:"split_into"`
	Merged        int64 `json:"merged"` // several became one
	MergedInto    int64 `json:"merged_into"`
	Regrouped     int64 `json:"regrouped"` // several became several others
	RegroupedInto int64 `json:"regrouped_into"`
	Vanished      int64 `json:"vanished"` // nothing new overlaps it
	Appeared      int64 `json:"appeared"` // overlaps nothing old
}

// Example is a difference with the rows that show it, their values in the order of Report.Columns.
type Example struct {
	Reason string            `json:"reason"`
	Old    [][]version.Value `json:"old"`
	New    [][]version.Value `json:"new"`
	// More is how many rows belong to it beyond those shown.
	More int64 `json:"more,omitempty"`
}

// The reasons of examples.
const (
	OnlyOld   = "only in old"
	OnlyNew   = "only in new"
	Changed   = "changed"
	Content   = "changed content"
	Moved     = "moved boundary"
	Split     = "split"
	Merged    = "merged"
	Regrouped = "regrouped"
	Vanished  = "vanished"
	Appeared  = "appeared"
)

// Equal reports whether the versions have the same rows and columns.
func (r Report) Equal() bool {
	return r.Differences() == 0 && len(r.OnlyOld) == 0 && len(r.OnlyNew) == 0
}

// Differences is the number of keys that differ.
func (r Report) Differences() int64 { return r.Rows.Changed + r.Rows.OnlyOld + r.Rows.OnlyNew }

// Share is the share of keys that differ, of all keys in either version, from 0 to 1; 0 of two empty tables.
func (r Report) Share() float64 {
	all := r.Differences() + r.Rows.Equal
	if all == 0 {
		return 0
	}
	return float64(r.Differences()) / float64(all)
}
