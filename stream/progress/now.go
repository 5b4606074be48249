package progress

import "time"

// State is where a job is in its life.
type State string

// The states of a job.
const (
	Waiting  State = "waiting"  // not started, or between an attempt and the next
	Running  State = "running"  // reads, or waits for more input
	Finished State = "finished" // its bounded input has ended
	Halted   State = "stopped"
	Broken   State = "failed"
)

// Now is a job at its last sample. Rates are means of the last seconds. Times are zero where they are not known.
type Now struct {
	Name    string    `json:"name"`
	State   State     `json:"state"`
	Error   string    `json:"error,omitempty"` // what it failed with
	At      time.Time `json:"at"`
	Started time.Time `json:"started,omitzero"`

	Events          int64   `json:"events"` // read since the history began, by all its runs
	EventsPerSecond float64 `json:"eventsPerSecond"`
	MeanPerSecond   float64 `json:"meanPerSecond"` // events per second since this run began
	Bytes           int64   `json:"bytes"`
	BytesPerSecond  float64 `json:"bytesPerSecond"`
	Rows            int64   `json:"rows"`
	RowsPerSecond   float64 `json:"rowsPerSecond"`
	LivePerSecond   float64 `json:"livePerSecond"` // growth of the log; -1 where it is not known

	Bounded   bool      `json:"bounded"` // it ends at positions that are known
	Done      float64   `json:"done"`    // 0 to 1 of the way to the stops, or to the log's end; -1 where it is not known. It never goes back
	Read      int64     `json:"read"`    // positions passed
	Total     int64     `json:"total"`   // positions to pass in all; 0 where it is not known
	Lag       int64     `json:"lag"`     // positions still to read; -1 where it is not known
	CaughtUp  bool      `json:"caughtUp"`
	Remaining float64   `json:"remaining"` // seconds to the end at the present rate; -1 where that cannot be said
	EventTime time.Time `json:"eventTime,omitzero"`
	HeldBy    string    `json:"heldBy,omitempty"` // the split that holds event time
	Moved     time.Time `json:"moved"`            // when a position last changed, or there was nothing to read

	Splits   []Split    `json:"splits"`
	Tasks    []Task     `json:"tasks"`
	Sinks    []Sink     `json:"sinks"`
	Counters []Count    `json:"counters"`
	Marks    []Mark     `json:"marks"`
	Totals   Tally      `json:"totals"`
	Last     Checkpoint `json:"checkpoint"`
	Problem  string     `json:"problem,omitempty"` // why the history is not being saved
}

// Split is how far one split has come.
type Split struct {
	Operator  string    `json:"operator"`
	ID        string    `json:"id"`
	Start     int64     `json:"start"`
	Position  int64     `json:"position"` // next to read
	End       int64     `json:"end"`      // its stop, or the log's end; -1 where it is not known
	Lag       int64     `json:"lag"`      // -1 where it is not known
	Records   int64     `json:"records"`
	PerSecond float64   `json:"perSecond"`
	EventTime time.Time `json:"eventTime,omitzero"`
	State     string    `json:"state"` // "reading", "limited", "at the end", "idle", "paused" or "finished"
	Why       string    `json:"why"`   // in words
	Holds     bool      `json:"holds"` // it holds event time back
}

// Task is what a task did with its time of late, in shares of 0 to 1.
type Task struct {
	Operator string  `json:"operator"`
	Subtask  int     `json:"subtask"`
	Busy     float64 `json:"busy"`
	Idle     float64 `json:"idle"`    // nothing came
	Blocked  float64 `json:"blocked"` // what it feeds took nothing: backpressure
	Paused   float64 `json:"paused"`  // waited for slower splits, the rate limit, or a commit that the memory budget has to wait for
}

// Sink is what a sink takes.
type Sink struct {
	Operator  string  `json:"operator"`
	Rows      int64   `json:"rows"`
	PerSecond float64 `json:"perSecond"`
	Writes    int64   `json:"writes"`
	Failures  int64   `json:"failures"`
	Latency   float64 `json:"latency"` // mean milliseconds of a write of late; -1 where it is not known
}

// Count is one of the job's counters.
type Count struct {
	Name      string  `json:"name"`
	Label     string  `json:"label,omitempty"` // of what: "operator", "unit"
	Of        string  `json:"of,omitempty"`
	Value     int64   `json:"value"`
	PerSecond float64 `json:"perSecond"`
}

// Tally is counters added up over all operators.
type Tally struct {
	Late        int64 `json:"late"`
	Quarantined int64 `json:"quarantined"`
	Undecodable int64 `json:"undecodable"`
	Retractions int64 `json:"retractions"`
	Retries     int64 `json:"retries"`
	Restarts    int64 `json:"restarts"`
}

// Checkpoint is the last complete one.
type Checkpoint struct {
	Number int64     `json:"number"` // complete checkpoints of this process
	At     time.Time `json:"at,omitzero"`
	Bytes  int64     `json:"bytes"` // all of them together
}
