package limit

import (
	"fmt"
	"time"
)

// State is a moment of a Limiter, for people.
type State struct {
	Wanted Rate    // by the user
	Events float64 // per second, that may be emitted now: the lower of what is wanted and what is good for the sinks; 0 for no bound
	// Adaptive says that a Governor looks after the sinks. Reason and Since are why and since when its rate is what it is, and Latency is how long
	// writes took in the last interval that had any, on average.
	Adaptive bool
	Reason   Reason
	Since    time.Time
	Latency  time.Duration
}

// State is how the limiter stands.
func (l *Limiter) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := State{Wanted: l.wanted, Events: l.events.rate}
	if g := l.governor; g != nil {
		s.Adaptive, s.Reason, s.Since, s.Latency = true, g.reason, g.since, g.latency
	}
	return s
}

// Lowered reports whether the sinks, and not the user, decide the rate.
func (s State) Lowered() bool { return s.Events > 0 && s.Events != s.Wanted.Events }

func (s State) String() string {
	holds := Rate{Events: s.Events, Bytes: s.Wanted.Bytes}.String()
	if !s.Adaptive {
		return holds
	}
	if s.Latency > 0 {
		return fmt.Sprintf("%s (%s; the last took %s)", holds, s.Reason, s.Latency.Round(time.Millisecond))
	}
	return fmt.Sprintf("%s (%s)", holds, s.Reason)
}
