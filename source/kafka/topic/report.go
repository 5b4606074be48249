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
	Name   string `json:"name"` // a setting's, or "partitions", "replication", "in sync", "history"
	Actual string `json:"actual"`
	Wanted string `json:"wanted,omitempty"` // "" where nothing was declared
	Origin Origin `json:"from,omitempty"`   // of the actual value; "" for what is no setting
}

// Finding is something that differs from what was declared, or endangers it.
type Finding struct {
	Compared
	Severity Severity `json:"severity"`
	Problem  string   `json:"problem"` // what is lost, or breaks, in a sentence
	Mend     string   `json:"mend"`    // a command that mends it, or what to do
}

// Held is what a partition holds, and where.
type Held struct {
	Partition int32 `json:"partition"`
	Earliest  int64 `json:"earliest"` // the first offset that is there
	Local     int64 `json:"local"`    // the first one on the leader's own disk; -1 where the topic has no tiered storage or the broker does not tell
	End       int64 `json:"end"`      // the offset that the next record will get
}

// Report is what Check found. It is a value, and can be written as JSON.
type Report struct {
	Topic       string     `json:"topic"`
	Incarnation string     `json:"incarnation,omitempty"`
	Cluster     string     `json:"cluster"`
	Tiered      bool       `json:"tiered"`
	Compared    []Compared `json:"compared"` // all that was looked at
	Findings    []Finding  `json:"findings"` // the worst first
	Partitions  []Held     `json:"partitions"`
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
