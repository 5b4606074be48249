package window

import (
	"fmt"
	"time"
)

// maxOverlap is how many windows a record may be in.
const maxOverlap = 10_000_000

// SlidingAssigner begins a window of one size every slide.
type SlidingAssigner struct {
	size, slide, offset time.Duration
	sizeMs, slideMs     int64
	phase               int64 // the offset in [0, slideMs)
	processingTime      bool
}

// Sliding is windows of one size that begin every slide, in event time, aligned to the Unix epoch. A record is in size/slide of them, each of which
// keeps its own contents. With a slide longer than the size, the records in the gaps are in no window; they are not late.
func Sliding(size, slide time.Duration) SlidingAssigner {
	return SlidingAssigner{size: size, slide: slide, sizeMs: size.Milliseconds(), slideMs: slide.Milliseconds()}
}

// WithOffset shifts the windows. It is smaller than the slide and may be negative.
func (a SlidingAssigner) WithOffset(d time.Duration) SlidingAssigner {
	a.offset, a.phase = d, phase(d, a.slideMs)
	return a
}

// ProcessingTime puts records into the windows of the wall clock when they are processed.
func (a SlidingAssigner) ProcessingTime() SlidingAssigner { a.processingTime = true; return a }

func (a SlidingAssigner) Err() error {
	if err := positive("size", a.size); err != nil {
		return err
	}
	if err := positive("slide", a.slide); err != nil {
		return err
	}
	if a.size/a.slide > maxOverlap {
		return fmt.Errorf("windows of %s every %s: a record would be in %d of them, at most %d are allowed", a.size, a.slide, a.size/a.slide, maxOverlap)
	}
	return withinPeriod(a.offset, a.slide)
}

// Assign appends every window that covers ts, newest first. At the ends of time they are shorter.
func (a SlidingAssigner) Assign(dst []TimeWindow, ts int64) []TimeWindow {
	if a.sizeMs <= 0 || a.slideMs <= 0 || a.sizeMs/a.slideMs > maxOverlap {
		return dst
	}
	// A window is known by how far ts lies into it; its start may not be a time that exists.
	for d := into(ts, a.phase, a.slideMs); d < a.sizeMs; d += a.slideMs {
		dst = append(dst, TimeWindow{minus(ts, d), plus(ts, a.sizeMs-d)})
	}
	return dst
}

func (a SlidingAssigner) Traits() Traits { return Traits{ProcessingTime: a.processingTime} }

func (a SlidingAssigner) String() string {
	return fmt.Sprintf("sliding %s every %s", a.size, a.slide) + suffix(a.offset, a.processingTime)
}
