package simulation

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
)

// turns holds goroutines until the course of events lets one go on. It is the clock of a simulated job too: the bubble's.
type turns struct {
	clock.Real
	pick func(n int) int

	mu   sync.Mutex
	held []*held
	came int
	news chan struct{} // a goroutine has come to be held
}

// held is a goroutine that waits for its turn.
type held struct {
	who, at string
	number  int // in the order in which they came
	go_     chan struct{}
}

var _ clock.Turns = (*turns)(nil)

// Wait implements clock.Turns.
func (t *turns) Wait(who, at string) {
	h := &held{who: who, at: at, go_: make(chan struct{})}
	t.mu.Lock()
	h.number = t.came
	t.came++
	t.held = append(t.held, h)
	t.mu.Unlock()
	select {
	case t.news <- struct{}{}:
	default:
	}
	<-h.go_
}

// Pick implements clock.Turns.
func (t *turns) Pick(ready ...bool) int {
	n := 0
	for _, r := range ready {
		if r {
			n++
		}
	}
	if n == 0 {
		return -1
	}
	k := t.pick(n)
	for i, r := range ready {
		if !r {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
	return -1
}

// waiting is who is held, by name: those that were woken together came in an order that nobody chose.
func (t *turns) waiting() []*held {
	select {
	case <-t.news:
	default:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortFunc(t.held, func(a, b *held) int { return cmp.Or(cmp.Compare(a.who, b.who), cmp.Compare(a.number, b.number)) })
	return t.held
}

// release lets one of those held go on.
func (t *turns) release(h *held) {
	t.mu.Lock()
	t.held = slices.DeleteFunc(t.held, func(o *held) bool { return o == h })
	t.mu.Unlock()
	close(h.go_)
}

// idle waits until somebody is held or the process has ended: time passes meanwhile. It reports false after the given time without either.
func (t *turns) idle(ended <-chan struct{}, most time.Duration) bool {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-t.news:
	case <-ended:
	case <-late.C:
		return false
	}
	return true
}
