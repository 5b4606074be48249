package runtime

import "time"

// draw decides how many records the next slice has at most: a whole slice, or what the rate limit lets through, and how long to wait for that from
// now on. When changed is closed before, the answer is another. Without a limit nobody asks the clock.
func (s *sourceTask[T]) draw() (now time.Time, wait time.Duration, changed <-chan struct{}) {
	l := s.task.run.cfg.Limiter
	if l == nil {
		s.ticket.Events = slice
		return now, 0, nil
	}
	now = s.task.Clock.Now()
	wait, changed = l.Ask(now, &s.ticket, slice)
	return now, wait, changed
}

// pay settles what was drawn: so many records have been emitted, of so many bytes.
func (s *sourceTask[T]) pay(now time.Time, records int, bytes int64) {
	if l := s.task.run.cfg.Limiter; l != nil {
		l.Pay(now, &s.ticket, records, bytes)
	}
}

// hold waits for the rate limit, from now on, still obeying commands.
func (s *sourceTask[T]) hold(now time.Time, wait time.Duration, changed <-chan struct{}) (done bool, err error) {
	s.split.limited.Store(true)
	defer s.split.limited.Store(false)
	if wait >= s.task.run.cfg.BufferTimeout { // else the pauses of a high rate would make all batches small
		if err := s.task.flushAll(); err != nil {
			return false, err
		}
	}
	return s.wait(paused, nil, changed, wait, now)
}
