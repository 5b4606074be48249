package clock

// Turns decides which of a job's goroutines goes on, one at a time, so that a simulation can repeat a run: see internal/simulation. A Clock that is also a
// Turns has the engine ask it wherever a goroutine begins or has waited; with any other clock nobody asks.
type Turns interface {
	// Wait lets the others go on and returns when it is the caller's turn. who names the goroutine, alike in every run and unlike all others of the job; at is
	// where in its work it is. No lock may be held.
	Wait(who, at string)
	// Pick chooses one of those that are ready and returns its index, -1 where none is: what select does by chance.
	Pick(ready ...bool) int
}

// TurnsOf is c as a Turns, nil if it is none.
func TurnsOf(c Clock) Turns {
	t, _ := c.(Turns)
	return t
}
