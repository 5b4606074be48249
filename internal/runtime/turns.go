package runtime

// turn gives way to the job's other goroutines where the run is simulated: at the beginning of each goroutine, and after each wait, before it touches
// anything that another may. Elsewhere it is one comparison.
func (r *Run) turn(who, at string) {
	if r.turns != nil {
		r.turns.Wait(who, at)
	}
}

func (t *Task) turn(at string) { t.run.turn(t.who, at) }

func (u *unit) turn(at string) {
	if u.run.turns != nil {
		u.run.turn("unit "+u.name, at)
	}
}

// turn is that of the split's pump.
func (s *sourceTask[T]) turn(at string) {
	if s.task.run.turns != nil {
		s.task.run.turn("pump of "+s.task.who, at)
	}
}

func (c *committer) turn() {
	if c.run.turns != nil {
		c.run.turn("committer of "+c.name, "tells the source")
	}
}

// nothing is what pick returns where none is ready.
const nothing = -1

// closed reports whether a channel that is only ever closed is.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// onlyIf is c if the i-th channel was picked, or nothing was; else nil, which select passes over.
func onlyIf[T any](picked, i int, c <-chan T) <-chan T {
	if picked == nothing || picked == i {
		return c
	}
	return nil
}
