package stream

import (
	"fmt"
	"time"
)

// RestartStrategy says whether and when a failed job starts again from its last checkpoint. The zero value never restarts. Errors of the job's definition and
// its state (ErrShape, ErrFinished, ErrLogCut) are never restarted, and neither is a job that meets a record which cannot be decoded, now or later.
type RestartStrategy struct {
	attempts int // 0 never, -1 without end
	first    time.Duration
	most     time.Duration
	calm     time.Duration
}

// FixedDelay restarts up to attempts times, waiting delay before each.
func FixedDelay(attempts int, delay time.Duration) RestartStrategy {
	return RestartStrategy{attempts: attempts, first: delay, most: delay}
}

// ExponentialDelay restarts without end, waiting first, then twice as long each time up to most; a run that lasted for calm starts over with first.
func ExponentialDelay(first, most, calm time.Duration) RestartStrategy {
	return RestartStrategy{attempts: -1, first: first, most: most, calm: calm}
}

// NoRestart never restarts.
func NoRestart() RestartStrategy { return RestartStrategy{} }

// next says how long to wait before restart number n (from 1) in a row, or false.
func (s RestartStrategy) next(n int) (time.Duration, bool) {
	if s.attempts >= 0 && n > s.attempts {
		return 0, false
	}
	d := s.first
	for i := 1; i < n && d < s.most; i++ {
		d *= 2
	}
	return min(d, s.most), true
}

func (s RestartStrategy) validate() error {
	if s.attempts != 0 && (s.first < 0 || s.most < s.first) {
		return fmt.Errorf("restart strategy: delays %s to %s make no range", s.first, s.most)
	}
	return nil
}
