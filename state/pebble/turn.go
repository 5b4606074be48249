package pebble

import "runtime"

// turn lets the tasks have theirs while a large commit computes: the scheduler by itself would interrupt it, as it would them, after 10 to 20 ms only, and with as many
// goroutines as a job has that adds up to long waits. Its zero value is ready for use.
type turn struct{ steps uint }

// turnSteps take less than a millisecond.
const turnSteps = 4096

// step counts a step of some 10 to 200 ns.
func (t *turn) step() {
	if t.steps++; t.steps%turnSteps == 0 {
		runtime.Gosched()
	}
}
