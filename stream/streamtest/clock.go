package streamtest

import (
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/stream"
)

// Clock is the time of jobs under test: it stands still until Advance. Make it with NewClock.
type Clock struct{ fake *clock.Fake }

// NewClock makes a clock that stands at start.
func NewClock(start time.Time) *Clock { return &Clock{clock.NewFake(start)} }

// Now is the time it stands at.
func (c *Clock) Now() time.Time { return c.fake.Now() }

// Advance moves the clock and wakes what waits for it. What the job then does, it does on its own goroutines.
func (c *Clock) Advance(d time.Duration) { c.fake.Advance(d) }

// Option has a job go by the clock: processing time, idleness, checkpoint intervals, delays of retries and restarts.
func (c *Clock) Option() stream.JobOption { return stream.UnderTest(c.fake, nil) }
