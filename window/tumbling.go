package window

import (
	"fmt"
	"time"
)

// TumblingAssigner cuts time into windows of one size that neither overlap nor leave gaps.
type TumblingAssigner struct {
	size, offset   time.Duration
	ms, phase      int64 // the size, and the offset in [0, size)
	processingTime bool
}

// Tumbling is windows of one size in event time, aligned to the Unix epoch: each record is in one.
func Tumbling(size time.Duration) TumblingAssigner {
	return TumblingAssigner{size: size, ms: size.Milliseconds()}
}

// WithOffset shifts the windows: with a size of a day and an offset of -8h they begin at 16:00 UTC, midnight in Beijing. It is smaller than
// the size and may be negative.
func (a TumblingAssigner) WithOffset(d time.Duration) TumblingAssigner {
	a.offset, a.phase = d, phase(d, a.ms)
	return a
}

// ProcessingTime puts records into the window of the wall clock when they are processed.
func (a TumblingAssigner) ProcessingTime() TumblingAssigner { a.processingTime = true; return a }

func (a TumblingAssigner) Err() error {
	if err := positive("size", a.size); err != nil {
		return err
	}
	return withinPeriod(a.offset, a.size)
}

// Assign appends one window. At the ends of time it is shorter.
func (a TumblingAssigner) Assign(dst []TimeWindow, ts int64) []TimeWindow {
	if a.ms <= 0 {
		return dst
	}
	d := into(ts, a.phase, a.ms)
	return append(dst, TimeWindow{minus(ts, d), plus(ts, a.ms-d)})
}

func (a TumblingAssigner) Traits() Traits { return Traits{ProcessingTime: a.processingTime} }

func (a TumblingAssigner) String() string {
	return fmt.Sprintf("tumbling %s", a.size) + suffix(a.offset, a.processingTime)
}

func suffix(offset time.Duration, processingTime bool) (s string) {
	if offset != 0 {
		s = fmt.Sprintf(" offset %s", offset)
	}
	if processingTime {
		s += " in processing time"
	}
	return s
}
