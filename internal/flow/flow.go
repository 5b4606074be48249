// Package flow is the narrow waist of a task: how a record, and how time, goes from one operator to the next.
//
// Operators of one task are fused: each holds its successor as a typed Pusher and calls it directly. What only concerns time goes by a second
// path, Control, on which operators that do not care about time do not appear at all. Nothing here is safe for concurrent use: a task is one goroutine.
package flow

import (
	"math"
	"time"
)

// Meta is what a record carries beside its value. A Pusher gets it by pointer and may neither keep nor change it: an operator whose outputs differ
// passes a Meta of its own.
type Meta struct {
	Timestamp int64 // event time in milliseconds
	// Origin is the watermark that the record's split had just before it: what lateness is judged by.
	Origin int64
	Offset int64 // position in the split
	// Hash is that of the record's key, as keyed.Hash computes it, in the first operator behind an exchange; 0 where nobody has computed it.
	Hash  uint64
	Split int32 // number of the split in the run's table; NoSplit for what no single record caused
	// Retract says that the value takes back an earlier one: a pane that a later result supersedes.
	Retract bool
	// For is whom a retraction concerns.
	For Audience
	// More says that the next record belongs to the same atomic step: a retraction and what replaces it.
	More bool
	// Counted says that the ledger has counted where the source's record ended: what comes of it later is not the record any more.
	Counted bool
}

// Audience is whom a retraction concerns. A result that a late record will supersede only when its window next fires is taken back twice: at once for operators that fold
// it into windows or state of their own, for which it would be too late then, and with its successor for sinks, so that no reader misses the row meanwhile.
type Audience uint8

const (
	Everyone Audience = iota
	State             // operators with windows or state; sinks pass over it
	Sinks             // the others
)

// NoSplit is the Split of outputs that a timer, not a record, caused.
const NoSplit int32 = -1

// Pusher takes records. An error ends the task.
type Pusher[T any] interface {
	Push(m *Meta, v T) error
}

// Expecter is a Pusher that can look ahead: what the records of a batch need is then read at once. Expect and Fetch change nothing that can be seen.
type Expecter[T any] interface {
	// Expecting reports whether that is worth it for so many records.
	Expecting(records int) bool
	// Expect is called with each, then Fetch, then Push with each.
	Expect(m *Meta, v T)
	Fetch() error
	// Touch is called with the Meta.Hash of some of the records that come next, in place of Expect and Fetch: what they need then comes from memory into the processor's
	// caches for all of them together, and not for one after the other.
	Touch(hash uint64)
}

// Control takes the progress of event time. Advance is called with rising watermarks, after every record that came before them.
type Control interface {
	Advance(watermark int64) error
}

// Behind is a watermark or origin one millisecond earlier, the ends of time unchanged: what sessions run on.
func Behind(w int64) int64 {
	if w == math.MinInt64 || w == math.MaxInt64 {
		return w
	}
	return w - 1
}

// AddSaturating is a + b, held at the ends of time.
func AddSaturating(a, b int64) int64 {
	sum := a + b
	switch {
	case b >= 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	}
	return sum
}

// Millis is t in milliseconds since the Unix epoch, held at the ends of what an int64 can say: 292 million years before and after.
func Millis(t time.Time) int64 {
	ms := t.UnixMilli()
	if s := t.Unix(); s > math.MaxInt64/1000-1 || s < math.MinInt64/1000+1 { // near the ends it may have wrapped
		switch {
		case s > 0 && ms < 0 || s > math.MaxInt64/1000:
			return math.MaxInt64
		case s < 0 && ms > 0 || s < math.MinInt64/1000-1:
			return math.MinInt64
		}
	}
	return ms
}
