package loggen

import (
	"cmp"
	"fmt"
	"iter"
	"strconv"
)

// All yields the events in order of arrival. Memory is for the users and for the events under way, not for the log. It panics if the config is not
// valid: see Validate.
//
// Users act in order of event time, and each event is given a delay until it arrives. As nothing arrives before its time, an event delayed by at most
// Bound is within the bound. To be late by exactly a delay d, it is followed by an event of the same user at exactly d later that arrives at once, and
// first: the watermark is then known to the millisecond, in the same partition too.
func (c Config) All() iter.Seq[Event] {
	if err := c.Validate(); err != nil {
		panic(err)
	}
	return func(yield func(Event) bool) {
		g := newGenerator(c.withDefaults())
		for g.made < g.Events {
			u := g.users.pop()
			for g.arriving.len() > 0 && g.arriving.top().arrival < u.next {
				if !yield(g.arriving.pop().Event) {
					return
				}
			}
			g.act(u)
			g.users.push(u)
		}
		for g.arriving.len() > 0 {
			if !yield(g.arriving.pop().Event) {
				return
			}
		}
	}
}

type generator struct {
	Config
	random
	users    heap[*user]
	arriving heap[arrival]
	made     int
}

// user is somebody clicking. next is the time of the next event.
type user struct {
	number   int
	name     string
	next     int64
	rest     int64 // mean time between sessions
	session  int
	left     int  // events left in the session
	punctual bool // the next event arrives at once
}

// arrival is an event under way. Of two that arrive together the younger is first, then the one made first.
type arrival struct {
	arrival int64
	made    int
	Event
}

func newGenerator(c Config) *generator {
	g := &generator{Config: c, random: random(c.Seed)}
	g.users.less = func(a, b *user) bool { return cmp.Or(cmp.Compare(a.next, b.next), cmp.Compare(a.number, b.number)) < 0 }
	g.arriving.less = func(a, b arrival) bool {
		return cmp.Or(cmp.Compare(a.arrival, b.arrival), cmp.Compare(b.Timestamp, a.Timestamp), cmp.Compare(a.made, b.made)) < 0
	}
	const perSession = 7
	harmonic := int64(0) // in thousandths
	for n := range c.Users {
		harmonic += 1000 / int64(n+1)
	}
	// The first user has sessions/harmonic of the sessions, and rests Length divided by that between them; user n rests n times as long.
	sessions := max(1, int64(c.Events)/perSession)
	rest := max(1, c.Length/sessions*max(1, harmonic)/1000)
	for n := range c.Users {
		u := &user{number: n, name: name(n), rest: rest * int64(n+1), session: -1}
		u.next = c.Start + g.below(u.rest)
		g.users.push(u)
	}
	return g
}

// name is a key: most are plain; some are outside ASCII, or such that a CSV writer must quote.
func name(n int) string {
	switch {
	case n%11 == 3:
		return "ключ-" + strconv.Itoa(n)
	case n%13 == 5:
		return "用户-" + strconv.Itoa(n)
	case n%17 == 6:
		return "\U0001F6D2é" + strconv.Itoa(n)
	case n%19 == 7:
		return `o"hara, ` + strconv.Itoa(n)
	}
	return fmt.Sprintf("u%05d", n)
}

// act makes the user's next event, sends it on its way, and decides when the user acts again.
func (g *generator) act(u *user) {
	if u.left == 0 {
		u.session++
		u.left = int(g.between(1, 12))
	}
	u.left--
	e := g.event(u)
	delay := g.delay()
	if u.punctual {
		delay, u.punctual = 0, false
	}
	step := g.step(u)
	if step == g.Bound || step == g.Bound+1 {
		delay, u.punctual = step, true
	}
	g.send(e, delay)
	if g.made < g.Events && g.permille(g.Duplicates) {
		g.send(e, g.delay())
	}
	u.next += step
}

func (g *generator) send(e Event, delay int64) {
	g.made++
	g.arriving.push(arrival{e.Timestamp + delay, g.made, e})
}

// delay is how late an event arrives: mostly within the bound, often at once.
func (g *generator) delay() int64 {
	switch n := int(g.below(1000)); {
	case n < g.Minutes:
		return g.Bound + g.between(1, 20*minute)
	case n < max(0, g.Minutes)+g.Hours:
		return g.between(1*hour, 6*hour)
	case n < 700:
		return g.below(g.Bound)
	}
	return 0
}

// step is the time to the user's next event.
func (g *generator) step(u *user) int64 {
	if u.left == 0 {
		return g.Gap + 2 + g.below(2*u.rest)
	}
	switch n := g.below(100); {
	case n < 4:
		return 0
	case n < 8:
		return g.Gap
	case n < 10:
		return g.Gap - 1
	case n < 12:
		u.left = 0 // a new session
		return g.Gap + 1
	case n < 16:
		return g.Bound
	case n < 18:
		return g.Bound + 1
	}
	return 1 + g.below(min(g.Gap-2, 3*minute))
}

func (g *generator) event(u *user) Event {
	e := Event{
		UserID:    u.name,
		SessionID: u.name + "/" + strconv.Itoa(u.session),
		URL:       "https://shop.example/p/" + strconv.FormatInt(g.below(500), 10),
		EventType: "view",
		Timestamp: u.next,
	}
	switch n := g.below(100); {
	case n < 13:
		e.EventType = "add_to_cart"
	case n < 20:
		e.EventType = "checkout"
	}
	if !g.permille(g.Bare) {
		e.Properties = map[string]string{"n": strconv.Itoa(g.made)}
	}
	return e
}
