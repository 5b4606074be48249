package runtime

import (
	"sync"
	"time"

	"github.com/millrace/millrace/internal/clock"
)

// TaskStatus is what a task has done with its time since the run began. The shares grow while the task runs and add up to its age; the difference of two
// looks, divided by the time between them, says what holds the job up: a task that is busy all the time is the bottleneck, one that is blocked has it
// downstream, one that is idle upstream.
type TaskStatus struct {
	Operator string // the operator at the task's head
	Subtask  int
	Busy     time.Duration // at work
	Idle     time.Duration // without input
	Blocked  time.Duration // waiting for its sink, or for a free batch in an exchange
	Paused   time.Duration // held by alignment, a rate limit, or the memory budget until a commit has ended
	// Checkpoints is what checkpoints took of the time.
	Checkpoints PauseStatus
}

// activity is what a task does at a moment.
type activity uint8

const (
	busy activity = iota
	idle
	blocked
	paused
	activities
)

// shares adds up a task's time by activity. The task switches where it stops anyway, so that nothing is measured per record. It is safe for concurrent use.
type shares struct {
	clock clock.Clock
	mu    sync.Mutex
	spent [activities]time.Duration
	doing activity
	since time.Time // zero before the task begins and after it has ended
}

func (s *shares) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = s.clock.Now()
}

// enter counts the time so far, and from now on as a.
func (s *shares) enter(a activity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	s.doing = a
}

func (s *shares) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	s.since = time.Time{}
}

func (s *shares) settle() {
	if s.since.IsZero() {
		return
	}
	now := s.clock.Now()
	s.spent[s.doing] += now.Sub(s.since)
	s.since = now
}

// read is the time by activity until now.
func (s *shares) read() [activities]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	return s.spent
}

// Blocked says that the task begins or ends to wait for what is downstream.
func (t *Task) Blocked(waits bool) {
	if waits {
		t.shares.enter(blocked)
	} else {
		t.shares.enter(busy)
		t.turn("is no longer blocked")
	}
}

// Tasks is what each task has done with its time, in the order in which the tasks were made. It is safe for concurrent use.
func (r *Run) Tasks() []TaskStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []TaskStatus
	for _, t := range r.tasks {
		spent := t.shares.read()
		out = append(out, TaskStatus{Operator: t.Name, Subtask: t.Subtask, Busy: spent[busy], Idle: spent[idle], Blocked: spent[blocked], Paused: spent[paused], Checkpoints: t.pauses.read()})
	}
	return out
}
