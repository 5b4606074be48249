package checkpoint

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func (a Action) String() string {
	kind := [...]string{"", " stop", " final"}[a.Kind]
	return [...]string{"barrier", "commit", "announce", "exit"}[a.Type] + strconv.FormatInt(a.Epoch, 10) + kind
}

// run feeds a script to a coordinator after checkpoint 6: "tick", "demand", "stop", "ack2:7" (task 2, checkpoint 7), "done7", "drained2", "exhausted2",
// "source2" and "task2" (which join). It returns the actions of each event.
func run(t *testing.T, script string) string {
	c := New(6)
	var lines []string
	for word := range strings.FieldsSeq(script) {
		verb := strings.TrimRight(word, "0123456789:")
		task, epoch, both := strings.Cut(word[len(verb):], ":")
		n, _ := strconv.Atoi(task)
		at, _ := strconv.ParseInt(epoch, 10, 64)
		if !both {
			at = int64(n)
		}
		e := Event{Task: n, Epoch: at}
		switch verb {
		case "tick":
			e.Type = Tick
		case "demand":
			e.Type = Demand
		case "stop":
			e.Type = StopAsked
		case "ack":
			e.Type = Ack
		case "done":
			e.Type = Committed
		case "drained":
			e.Type = Drained
		case "exhausted":
			e.Type = Exhausted
		case "source":
			e.Type, e.Source = Added, true
		case "task":
			e.Type = Added
		default:
			t.Fatalf("what is %q?", word)
		}
		if actions := c.Step(e, nil); len(actions) > 0 {
			lines = append(lines, fmt.Sprintf("%s -> %s", word, strings.Trim(fmt.Sprint(actions), "[]")))
		}
	}
	return strings.Join(lines, "; ")
}

func TestCoordinator(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"a checkpoint", "source1 task2 tick ack1:7 ack2:7 done7", "tick -> barrier7; ack2:7 -> commit7; done7 -> announce7"},
		{"nobody is there", "tick stop", ""},
		{"one at a time; what was asked for meanwhile follows once", "source1 tick tick demand ack1:7 tick done7 ack1:8 done8",
			"tick -> barrier7; ack1:7 -> commit7; done7 -> announce7 barrier8; ack1:8 -> commit8; done8 -> announce8"},
		{"stop", "source1 task2 stop ack2:7 ack1:7 done7 tick stop", "stop -> barrier7 stop; ack1:7 -> commit7 stop; done7 -> announce7 stop exit7 stop"},
		{"stop during a checkpoint", "source1 tick stop ack1:7 done7 ack1:8 done8",
			"tick -> barrier7; ack1:7 -> commit7; done7 -> announce7 barrier8 stop; ack1:8 -> commit8 stop; done8 -> announce8 stop exit8 stop"},
		{"all drained", "source1 task2 drained1 tick ack1:7 ack2:7 drained2 done7 ack1:8 ack2:8 done8",
			"tick -> barrier7; ack2:7 -> commit7; done7 -> announce7 barrier8 final; ack2:8 -> commit8 final; done8 -> announce8 final exit8 final"},
		{"final before stop", "source1 drained1 stop", "drained1 -> barrier7 final"},
		{"all sources exhausted", "source1 source2 task3 exhausted1 exhausted2", "exhausted2 -> barrier7 stop"},
		{"exhausted and drained do not mix, until the rest is exhausted", "source1 source2 drained1 exhausted2", ""},
		{"exhausted, then asked to drain", "source1 source2 exhausted1 drained2 drained1", "drained1 -> barrier7 final"},
		{"a task that joins counts from the next", "source1 tick ack1:7 done7 source2 tick ack1:8 ack2:8", "tick -> barrier7; ack1:7 -> commit7; done7 -> announce7; tick -> barrier8; ack2:8 -> commit8"},
		{"a repeated or stale acknowledgement is nothing", "source1 task2 ack1:7 tick ack1:6 ack1:7 ack1:7 ack3:7 done7 ack2:7 done6 done7", "tick -> barrier7; ack2:7 -> commit7; done7 -> announce7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := run(t, c.script); got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.script, got, c.want)
			}
		})
	}
}

// world obeys a coordinator's actions as a unit does, with tasks that acknowledge, drain and join in any order.
type world struct {
	t                 *testing.T
	c                 *Coordinator
	tasks             int
	source            map[int]bool
	drained           map[int]bool
	exhausted         map[int]bool
	owing             map[int]bool // tasks whose acknowledgement is due
	epoch, last       int64        // under way, 0 for none; last announced
	committing, ended bool
	kind              Kind
}

func (w *world) step(e Event) {
	for _, a := range w.c.Step(e, nil) {
		w.obey(e, a)
	}
}

func (w *world) obey(e Event, a Action) {
	if w.ended {
		w.t.Fatalf("%v after the exit", a)
	}
	switch a.Type {
	case SendBarrier:
		if w.epoch != 0 || a.Epoch != w.last+1 {
			w.t.Fatalf("%v while %d is under way, after %d", a, w.epoch, w.last)
		}
		w.epoch, w.kind = a.Epoch, a.Kind
		for n := range w.tasks {
			w.owing[n] = true
			if a.Kind == Final && !w.drained[n] {
				w.t.Fatalf("%v, but %d is not drained", a, n)
			}
		}
	case Commit:
		if a.Epoch != w.epoch || len(w.owing) > 0 || w.committing || a.Kind != w.kind {
			w.t.Fatalf("%v while %d is under way and %v owe", a, w.epoch, w.owing)
		}
		w.committing = true
	case Announce:
		if e.Type != Committed || a.Epoch != w.epoch {
			w.t.Fatalf("%v by %v", a, e)
		}
		w.last, w.epoch, w.committing = w.epoch, 0, false
	case Exit:
		if a.Kind == Regular || w.epoch != 0 {
			w.t.Fatalf("%v", a)
		}
		w.ended = true
	}
}

// Under any order of events no checkpoint overlaps another, each is committed when all of its tasks have acknowledged it, and a stop comes to its end.
func TestCoordinatorInvariants(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 0))
		w := &world{t: t, c: New(0), source: map[int]bool{}, drained: map[int]bool{}, exhausted: map[int]bool{}, owing: map[int]bool{}}
		join := func() {
			w.source[w.tasks] = rng.IntN(2) == 0 || w.tasks == 0
			w.tasks++
			w.step(Event{Type: Added, Task: w.tasks - 1, Source: w.source[w.tasks-1]})
		}
		join()
		for range rng.IntN(4) {
			join()
		}
		for range 60 {
			n := rng.IntN(w.tasks)
			switch rng.IntN(12) {
			case 0:
				w.step(Event{Type: Tick})
			case 1:
				w.step(Event{Type: Demand})
			case 2:
				if !w.c.Busy() && w.tasks < 6 && !w.ended && rng.IntN(4) == 0 {
					join()
				}
			case 3:
				if rng.IntN(8) == 0 {
					w.drained[n] = true
					w.step(Event{Type: Drained, Task: n})
				}
			case 4:
				if rng.IntN(8) == 0 && w.source[n] {
					w.exhausted[n] = true
					w.step(Event{Type: Exhausted, Task: n})
				}
			case 5:
				w.step(Event{Type: Ack, Task: n, Epoch: w.epoch - 1}) // stale
			default:
				w.pursue(n)
			}
		}
		w.step(Event{Type: StopAsked})
		for i := 0; !w.ended; i++ {
			if i > 1000 {
				t.Fatalf("seed %d: the stop does not come to its end", seed)
			}
			w.pursue(i % w.tasks)
		}
	}
}

// pursue acknowledges for a task that owes it, or commits.
func (w *world) pursue(n int) {
	switch {
	case w.committing:
		w.step(Event{Type: Committed, Epoch: w.epoch})
	case w.owing[n]:
		delete(w.owing, n)
		w.step(Event{Type: Ack, Task: n, Epoch: w.epoch})
	}
}
