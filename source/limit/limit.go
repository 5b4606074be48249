// Package limit paces a job: how many events and bytes per second its sources emit, all splits together.
//
// A Limiter holds the rates that a user wants, which may change while the job runs, and optionally a Governor that lowers the rate when the job's sinks
// become slow and raises it again when they recover. The job draws from the limiter before each slice of records and waits as long as it is told; limits
// decide when records are emitted and never which, so they do not change results.
//
// Over any time the rate is exact: what a late wake-up missed is made up for. What was not used, because there was nothing to read, is kept for
// a tenth of a second only, so that no burst follows a pause.
package limit

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// Rate is a bound on what is emitted per second. Zero fields are no bound.
type Rate struct {
	Events float64
	// Bytes are those of record keys and values as the log has them (source.Record.Size); where a source does not tell them this bound does nothing.
	// Until the size of a record has been seen, one task emits a record and the others wait for it.
	Bytes float64
}

func (r Rate) String() string {
	switch {
	case r.Events > 0 && r.Bytes > 0:
		return fmt.Sprintf("%.6g events/s and %.6g bytes/s", r.Events, r.Bytes)
	case r.Events > 0:
		return fmt.Sprintf("%.6g events/s", r.Events)
	case r.Bytes > 0:
		return fmt.Sprintf("%.6g bytes/s", r.Bytes)
	}
	return "no limit"
}

const (
	burst   = 100 * time.Millisecond // what is kept of an unused rate
	quantum = 10 * time.Millisecond  // what one ticket takes at most, so that a low rate is even
	longest = time.Minute            // of one wait: a rate of next to nothing is looked at again
)

// Limiter is the pace of one job, or of several that share it. Make it with New. It is safe for concurrent use.
type Limiter struct {
	mu            sync.Mutex
	wanted        Rate
	events, bytes ledger
	governor      *Governor // may be nil
	at            time.Time // when the ledgers were last brought up to date
	size          float64   // bytes of a record, about; negative until one was seen
	sizing        time.Time // when a task was let through to see one; zero for none
	version       int       // of the rates
	changed       chan struct{}
}

// New makes a limiter. Negative and infinite rates, and those that are no number, are no bound.
func New(r Rate) *Limiter {
	l := &Limiter{changed: make(chan struct{}), size: -1}
	l.Set(r)
	return l
}

// Govern has g lower the rate when sinks are slow. It is called before the limiter is used, once.
func (l *Limiter) Govern(g *Governor) *Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.governor = g
	l.apply()
	return l
}

// Set changes the rates. What waits goes by the new ones at once.
func (l *Limiter) Set(r Rate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = Rate{Events: bound(r.Events), Bytes: bound(r.Bytes)}
	l.apply()
}

func bound(rate float64) float64 {
	if rate > 0 && !math.IsInf(rate, 1) {
		return rate
	}
	return 0
}

// Wanted is the rate that was set last.
func (l *Limiter) Wanted() Rate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wanted
}

// apply makes the lower of the wanted and the governed rate the one that holds, and wakes what waits if that is another than before.
func (l *Limiter) apply() {
	events := l.wanted.Events
	if l.governor != nil {
		if g := l.governor.Rate(); g > 0 && (events == 0 || g < events) {
			events = g
		}
	}
	if l.events.rate == events && l.bytes.rate == l.wanted.Bytes {
		return
	}
	l.events.rate, l.bytes.rate = events, l.wanted.Bytes
	l.version++
	l.wake()
}

func (l *Limiter) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// untilSized is how long to wait for another task to see a record's size, without which nobody knows what to draw. One that does not come to it is not waited for for ever.
func (l *Limiter) untilSized(now time.Time) time.Duration {
	if l.bytes.rate == 0 || l.size >= 0 {
		return 0
	}
	if wait := l.sizing.Add(time.Second).Sub(now); wait > 0 {
		return wait
	}
	l.sizing = now
	return 0
}

// Ticket is what one task has drawn and not used yet. The zero value is none.
type Ticket struct {
	// Events is how many records it is for.
	Events  int
	events  float64 // what must have been earned until then
	bytes   float64
	guess   float64 // bytes that were drawn for it
	version int
}

// Ask draws a ticket for at most so many events, unless t is one, and tells how long to wait until it may be used: no time if wait is 0. When changed is closed
// before, ask again. now is the job's clock.
func (l *Limiter) Ask(now time.Time, t *Ticket, most int) (wait time.Duration, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass(now)
	if t.Events > 0 {
		if wait = l.due(t); wait == 0 || t.version == l.version {
			return wait, l.changed
		}
		l.giveBack(t, 0, 0)
	}
	if wait = l.untilSized(now); wait > 0 {
		return wait, l.changed
	}
	l.draw(t, most)
	return l.due(t), l.changed
}

// Pay uses a ticket up: so many events were emitted, of so many bytes. What was drawn in excess goes back.
func (l *Limiter) Pay(now time.Time, t *Ticket, events int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass(now)
	l.giveBack(t, events, float64(bytes))
	if l.size < 0 && !l.sizing.IsZero() {
		l.sizing = time.Time{}
		l.wake()
	}
	if events > 0 {
		if l.size < 0 {
			l.size = float64(bytes) / float64(events)
		}
		l.size += (float64(bytes)/float64(events) - l.size) / 8
	}
	if l.governor != nil {
		l.governor.emitted(events)
		l.govern(now)
	}
}

// Observe tells the governor, if there is one, of a sink's write.
func (l *Limiter) Observe(now time.Time, w Write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.governor != nil {
		l.governor.observe(w)
		l.pass(now)
		l.govern(now)
	}
}

func (l *Limiter) govern(now time.Time) {
	if l.governor.step(now) {
		l.apply()
	}
}

// setBack is how far tasks may look at the clock one behind the other; a time that lies further back is that of a clock that was set.
const setBack = time.Second

// pass brings the ledgers up to now.
func (l *Limiter) pass(now time.Time) {
	d := now.Sub(l.at)
	if d <= 0 && !l.at.IsZero() {
		if d < -setBack {
			l.at = now
		}
		return
	}
	if l.at.IsZero() {
		d = 0
	}
	l.at = now
	l.events.earn(d)
	l.bytes.earn(d)
}

func (l *Limiter) draw(t *Ticket, most int) {
	n := l.events.share()
	if l.bytes.rate > 0 {
		if n = min(n, l.bytes.share()/max(l.size, 1)); l.size < 0 {
			n = 1
		}
	}
	t.Events = int(max(1, min(float64(most), n)))
	t.guess = float64(t.Events) * max(l.size, 0)
	t.events, t.bytes, t.version = l.events.draw(float64(t.Events)), l.bytes.draw(t.guess), l.version
}

func (l *Limiter) giveBack(t *Ticket, events int, bytes float64) {
	l.events.draw(float64(events - t.Events))
	l.bytes.draw(bytes - t.guess)
	*t = Ticket{}
}

func (l *Limiter) due(t *Ticket) time.Duration {
	return max(l.events.due(t.events), l.bytes.due(t.bytes))
}
