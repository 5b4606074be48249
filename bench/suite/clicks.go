package main

import (
	"container/heap"
	"fmt"
	"iter"
	"math/rand/v2"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
)

// The generated log: a week of clicks of users who come at random, out of order within 55 s.
const (
	weekMillis  = 7 * 24 * 3600 * 1000
	startMillis = 1_700_000_000_000
	gapMillis   = 30 * 60 * 1000
	delayMillis = 55 * 1000
	// meanEvents is how many events a session has on average.
	meanEvents = 8
)

// clicks are the events of a log in the order in which they arrive; a function of its arguments alone. The message is valid until the next one.
func clicks(seed uint64, events, users int) iter.Seq[*pb.ClickEvent] {
	return func(yield func(*pb.ClickEvent) bool) {
		g := generator{random: rand.New(rand.NewPCG(seed, 1))}
		left, every := events, float64(weekMillis)*meanEvents/float64(events)
		for start := float64(startMillis); left > 0 || len(g.waiting) > 0; start += every {
			for len(g.waiting) > 0 && (left == 0 || g.waiting[0].arrival <= int64(start)) {
				if !yield(heap.Pop(&g.waiting).(arrival).message()) {
					return
				}
			}
			if left > 0 {
				left -= g.session(int64(start), left, users)
			}
		}
	}
}

// generator has the events that have happened, in sessions that have begun, and have not arrived yet.
type generator struct {
	random  *rand.Rand
	waiting arrivals
}

// session makes the events of a new session, at most a number of them, and returns how many.
func (g *generator) session(at int64, most, users int) int {
	a := arrival{user: g.random.IntN(users), session: g.random.Uint64()}
	n := 0
	for n < most {
		n++
		a.at, a.arrival, a.detail = at, at+g.random.Int64N(delayMillis+1), g.random.Uint64()
		heap.Push(&g.waiting, a)
		at += 1000 + g.random.Int64N(300_000)
		switch g.random.IntN(100) {
		case 0:
			at = a.at + gapMillis // touches: still the same session
		case 1:
			at = a.at + gapMillis + 1 // a new one
		}
		if g.random.IntN(meanEvents) == 0 {
			break
		}
	}
	return n
}

// arrival is an event of a user, and when it gets to the log.
type arrival struct {
	arrival, at     int64
	user            int
	session, detail uint64
}

var kinds = [...]string{"view", "view", "view", "view", "view", "view", "view", "search", "add_to_cart", "checkout"}

func (a arrival) message() *pb.ClickEvent {
	return &pb.ClickEvent{
		UserId: fmt.Sprintf("user-%07d", a.user), SessionId: fmt.Sprintf("%016x%016x", a.session, ^a.session), EventTimestamp: a.at,
		Url: fmt.Sprintf("https://shop.example.com/p/%05d?ref=home", a.detail%100_000), EventType: kinds[a.detail>>32%uint64(len(kinds))],
		Properties: map[string]string{"device": "mobile"},
	}
}

// arrivals is a heap, the first to arrive on top; those of one moment in the order of all their fields, so that the log is one whatever the heap does.
type arrivals []arrival

func (h arrivals) Len() int { return len(h) }
func (h arrivals) Less(i, j int) bool {
	a, b := h[i], h[j]
	if a.arrival != b.arrival {
		return a.arrival < b.arrival
	}
	if a.at != b.at {
		return a.at < b.at
	}
	return a.detail < b.detail
}
func (h arrivals) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *arrivals) Push(x any)   { *h = append(*h, x.(arrival)) }
func (h *arrivals) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	*h = (*h)[:last]
	return a
}
