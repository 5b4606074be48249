package topic

import "fmt"

// Severity is how much a finding matters.
type Severity int

const (
	Note   Severity = iota + 1 // worth knowing
	Breaks                     // a job or its producers would fail, or give wrong results
	Loses                      // records of the history are lost, or will be
)

var severities = map[Severity]string{Note: "note", Breaks: "breaks", Loses: "loses"}

// String is "note", "breaks" or "loses".
func (s Severity) String() string { return severities[s] }

// MarshalText is String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	for v, name := range severities {
		if name == string(text) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("severity %q: use note, breaks or loses", text)
}

// Compared is one thing of a topic as it is and as it was declared, for people: "7d", "forever".
type Compared struct {
	Name   string // a setting's, or "partitions", "replication", "in sync", "history"
	Actual string
	Wanted string // "" where nothing was declared
	Origin Origin // of the actual value; "" for what is no setting
}

// Finding is something that differs from what was declared, or endangers it.
type Finding struct {
	Compared
	Severity Severity
	Problem  string // what is lost, or breaks, in a sentence
	Mend     string // a command that mends it, or what to do
}

// Held is what a partition holds, and where.
type Held struct {
	Partition int32
	Earliest  int64 // the first offset that is there
	Local     int64 // the first one on the leader's own disk; -1 where the topic has no tiered storage or the broker does not tell
	End       int64 // the offset that the next record will get
}

// Report is what Check found. It is a value, and can be written as JSON.
type Report struct {
	Topic       string
	Incarnation string
	Cluster     string
	Tiered      bool
	Compared    []Compared // all that was looked at
	Findings    []Finding  // the worst first
	Partitions  []Held
}

// Worst is the highest severity among the findings, 0 without any.
func (r Report) Worst() (worst Severity) {
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Keeps reports whether the topic keeps its history and serves a job as declared: there is nothing worse than a Note.
func (r Report) Keeps() bool { return r.Worst() <= Note }
