package window

// Result is what a trigger decides.
type Result uint8

const (
	Continue     Result = iota // nothing
	Fire                       // emit the contents, keep them
	Purge                      // drop the contents, keep the trigger's state
	FireAndPurge               // emit, then drop
)

// Fires and Purges take a Result apart.
func (r Result) Fires() bool  { return r == Fire || r == FireAndPurge }
func (r Result) Purges() bool { return r == Purge || r == FireAndPurge }

// TriggerContext is one window of one key as a trigger sees it. It is valid during the call.
type TriggerContext interface {
	// Watermark is the time that counts for this decision: the record's origin watermark, or the operator's where that is higher; for
	// processing-time windows, the wall clock less one millisecond.
	Watermark() int64
	// ProcessingTime is the wall clock in milliseconds.
	ProcessingTime() int64
	// Count is the number of records in the window since it was created or purged, the current one included.
	Count() int64
	// SetTimer asks for OnTime when the time of the window's domain (event or processing time) reaches ts. A window has one such timer beside the
	// ones for its end and its cleanup: an earlier SetTimer is replaced. After a merge it is the earlier of the merged windows'.
	SetTimer(ts int64)
	// ClearTimer takes SetTimer back.
	ClearTimer()
}

// Trigger says when a window's contents are emitted. It keeps no state of its own: Count and the timer are the window's.
// The engine calls OnTime also when time reaches the window's MaxTimestamp, and cleans the window up at MaxTimestamp + allowed lateness whatever
// the trigger says.
type Trigger interface {
	// OnElement is called after each record that the window took.
	OnElement(w TimeWindow, ts int64, ctx TriggerContext) Result
	// OnTime is called when time reached the timer or the window's MaxTimestamp; time is the one that was due.
	OnTime(w TimeWindow, time int64, ctx TriggerContext) Result
	// String is the rule with its parameters, for plans and fingerprints.
	String() string
}
