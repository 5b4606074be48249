package runtime

import "time"

// clockLook bounds how long a task waits for a moment of the wall clock before it looks again: the wait itself goes by a clock that no one sets.
const clockLook = time.Second

// maxHeld is how far the wall clock may go back, in milliseconds, and be taken to stand still.
const maxHeld = int64(time.Minute / time.Millisecond)

// wallTime is processing time as one task sees it. A clock that is set back a little, as time servers do, stands still until it is where it was: otherwise a window that was
// emitted would begin again and replace its own result by a part of it. One that is set back further is followed, since it was wrong before.
type wallTime struct{ latest int64 }

func (w *wallTime) hold(now int64) int64 {
	if back := w.latest - now; back > 0 && back <= maxHeld {
		return w.latest
	}
	w.latest = now
	return now
}
