package explain

import (
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// Life is what happened to a key in the windows of one operator. Times are milliseconds since the Unix epoch; watermarks are watermark.Min before event time has begun
// and watermark.Max once the input has ended. It encodes as JSON.
type Life[E, O any] struct {
	Key      string       `json:"key"`
	Operator string       `json:"operator"`
	Steps    []Step[E, O] `json:"steps"`
	Windows  []Result[O]  `json:"windows"` // what stands at the end, in the order it was emitted
	Late     int          `json:"late"`    // records that no window took
	Splits   []SplitEnd   `json:"splits"`  // where reading ended

	window string // what a window is called
}

// Step is a record of the key with what was decided about it, or, without a record, what the passing of time decided.
type Step[E, O any] struct {
	Record    *Record[E]    `json:"record,omitempty"`
	Decisions []Decision[O] `json:"decisions,omitempty"`
}

// Record is a record of the key.
type Record[E any] struct {
	Split     string `json:"split"`
	Offset    int64  `json:"offset"`
	Timestamp int64  `json:"timestamp"`        // event time; the log's own where no window saw the record
	Watermark int64  `json:"watermark"`        // of its split, just before it
	Value     E      `json:"value"`            // what Config.Note kept
	Err       string `json:"error,omitempty"`  // why it could not be decoded
	Unseen    bool   `json:"unseen,omitempty"` // no window was given it: the job filtered it out; Watermark is not known then
}

// Decision is one decision of the engine.
type Decision[O any] struct {
	Kind      string              `json:"kind"` // as stream.TraceKind prints
	Window    window.TimeWindow   `json:"window"`
	Before    []window.TimeWindow `json:"before,omitempty"`
	Watermark int64               `json:"watermark"`        // that it was made by
	Split     string              `json:"split,omitempty"`  // of the record that was decided about or that moved the watermark
	Offset    int64               `json:"offset,omitempty"` // its offset; -1 where only the split is known
	FiresAt   int64               `json:"fires_at"`
	ClosesAt  int64               `json:"closes_at"`
	Records   int64               `json:"records"`
	Late      bool                `json:"late,omitempty"`
	Partial   bool                `json:"partial,omitempty"`
	Reason    string              `json:"reason,omitempty"` // in words: why a record is late, why a window is open

	Rows []O `json:"rows,omitempty"` // of a fired one: what it gave

	kind stream.TraceKind
}

// Result is a window as it stands at the end of what was read.
type Result[O any] struct {
	Window  window.TimeWindow `json:"window"`
	Records int64             `json:"records"`
	// Open says that it had not been emitted when the log ended: Rows are what it would give if nothing followed.
	Open    bool `json:"open"`
	Partial bool `json:"partial,omitempty"` // records of it may lie before the place where reading began
	// Provisional says that an open window has taken it in: its Rows stand until that one is emitted, which then takes them back.
	Provisional bool   `json:"provisional,omitempty"`
	Waits       *Waits `json:"waits,omitempty"` // of an open one
	Rows        []O    `json:"rows"`
}

// Waits is why a window has not been emitted.
type Waits struct {
	For    int64      `json:"for"`     // the watermark it needs
	HeldBy []SplitEnd `json:"held_by"` // the splits that are not there yet, the furthest behind first
}

// SplitEnd is where reading a split ended.
type SplitEnd struct {
	Split     string `json:"split"`
	Offset    int64  `json:"offset"`    // the next to read
	Watermark int64  `json:"watermark"` // watermark.Min where nothing has moved it
}
