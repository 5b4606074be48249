// Package clock is the one door to real time. The engine never asks package time what time it is.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and wakes.
type Clock interface {
	Now() time.Time
	// After sends once when d has passed. A timer that is no longer needed is stopped by the returned function.
	After(d time.Duration) (<-chan time.Time, func())
}

// Real is the machine's clock.
type Real struct{}

func (Real) Now() time.Time { return time.Now() }

func (Real) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// Fake is a clock that only Advance moves. It is safe for concurrent use. The zero value starts at the zero time; NewFake chooses.
type Fake struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[*alarm]struct{}
}

type alarm struct {
	at time.Time
	c  chan time.Time
}

// NewFake starts a Fake at now.
func NewFake(now time.Time) *Fake { return &Fake{now: now, alarms: map[*alarm]struct{}{}} }

func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *Fake) After(d time.Duration) (<-chan time.Time, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := &alarm{at: f.now.Add(d), c: make(chan time.Time, 1)}
	if d <= 0 {
		a.c <- f.now
		return a.c, func() {}
	}
	f.alarms[a] = struct{}{}
	return a.c, func() {
		f.mu.Lock()
		delete(f.alarms, a)
		f.mu.Unlock()
	}
}

// Advance moves the clock and rings what became due.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	for a := range f.alarms {
		if !a.at.After(f.now) {
			a.c <- f.now
			delete(f.alarms, a)
		}
	}
}
