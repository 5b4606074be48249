package limit

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Adaptive says when a sink counts as slow and how the rate answers. The rate rises by even steps while sinks are well and falls by a factor when they are
// not (AIMD), so that several jobs that write to one database come to share it. Zero fields have the defaults named here.
type Adaptive struct {
	// Target is how long the write of one batch may take: 500 ms. Writes that take longer on average make the rate fall; up to four fifths of it let it rise;
	// in between it stays.
	Target time.Duration
	// Interval is how long writes are looked at before the rate is changed: 1 s.
	Interval time.Duration
	// Increase is what the rate rises by in an interval, in events per second, once it is known what is too much: by default a twentieth of the highest rate
	// that the sinks bore.
	Increase float64
	// Decrease is the factor by which the rate falls when a write failed or took twice the target or more: 0.5. A smaller excess makes it fall less.
	Decrease float64
	// Floor is the lowest rate, in events per second: 10. Work goes on whatever the sinks do.
	Floor float64
	// Ceiling is the highest rate, and the first: none. Without one the job begins as fast as it can.
	Ceiling float64
}

const (
	calm     = 0.8  // of the target: below, the rate may rise
	used     = 0.8  // of the rate: one that was not used up says nothing about a higher one
	gentlest = 0.98 // the factor of the smallest fall
	search   = 1.2  // the factor of a rise while it is not known what is too much
	margin   = 0.95 // of a rate that was too much is about what is not
	finest   = 16   // near what was too much a step is this fraction of a whole one
	patience = 4    // so many rises in a row beyond it double the step
)

func (a Adaptive) withDefaults() Adaptive {
	if a.Target == 0 {
		a.Target = 500 * time.Millisecond
	}
	if a.Interval == 0 {
		a.Interval = time.Second
	}
	if a.Decrease == 0 {
		a.Decrease = 0.5
	}
	if a.Floor == 0 {
		a.Floor = 10
	}
	return a
}

func (a Adaptive) check() error {
	var bad []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			bad = append(bad, fmt.Errorf("adaptive limit: "+format, args...))
		}
	}
	refuse(a.Target < 0, "target latency %s: want more than 0", a.Target)
	refuse(a.Interval < 0, "interval %s: want more than 0", a.Interval)
	refuse(!(a.Increase >= 0), "increase %v: want 0 or more", a.Increase)
	refuse(!(a.Decrease > 0 && a.Decrease < 1), "decrease %v: want a factor between 0 and 1", a.Decrease)
	refuse(!(a.Floor > 0), "floor %v: want more than 0, so that work goes on", a.Floor)
	refuse(!(a.Ceiling == 0 || a.Ceiling >= a.Floor), "ceiling %v: want at least the floor, %v", a.Ceiling, a.Floor)
	return errors.Join(bad...)
}

// Write is one write of a batch to a sink.
type Write struct {
	Took   time.Duration
	Rows   int
	Failed bool // with an error that is tried again
}

// Governor is the state machine behind Adaptive. It has no clock of its own; its Limiter tells it the time and is what to ask for its State.
// It belongs to one Limiter, which guards it.
type Governor struct {
	cfg Adaptive

	rate    float64 // 0 for none yet
	highest float64 // rate that the sinks bore
	knee    float64 // about the highest rate that is not too much, from the last time it was; 0 while that is not known
	rises   int     // since the last fall or rest
	beyond  int     // of these, beyond the knee
	reason  Reason
	since   time.Time // of reason and rate

	from    time.Time // when the interval began
	events  int       // emitted in it
	writes  int
	failed  int
	took    time.Duration
	latency time.Duration // mean of the last interval with writes
}

// NewGovernor checks the configuration.
func NewGovernor(a Adaptive) (*Governor, error) {
	a = a.withDefaults()
	if err := a.check(); err != nil {
		return nil, err
	}
	return &Governor{cfg: a, rate: a.Ceiling, reason: NotYet}, nil
}

// Rate is the highest rate that is good for the sinks, in events per second; 0 while no bound is known.
func (g *Governor) Rate() float64 { return g.rate }

// Reason is why the governed rate is what it is.
type Reason string

const (
	NotYet    Reason = "no sink has been slow yet"
	Slow      Reason = "lowered: writes take longer than the target"
	Failing   Reason = "lowered: writes fail"
	AtFloor   Reason = "sinks are slow or fail, and the rate is at its floor"
	Recovered Reason = "raised: writes are faster than the target"
	Steady    Reason = "kept: writes take about the target"
	Unused    Reason = "kept: the job reads less than it may"
	AtCeiling Reason = "writes are faster than the target, and the rate is at its ceiling"
)

func (g *Governor) emitted(events int) { g.events += events }

func (g *Governor) observe(w Write) {
	if w.Failed {
		g.failed++
		return
	}
	g.writes++
	g.took += w.Took
}

// step ends the interval if it is over, and reports whether the rate has changed.
func (g *Governor) step(now time.Time) bool {
	if g.from.IsZero() {
		g.from = now
	}
	d := now.Sub(g.from)
	if d < g.cfg.Interval {
		return false
	}
	measured := float64(g.events) / d.Seconds()
	if g.writes > 0 {
		g.latency = g.took / time.Duration(g.writes)
	}
	rate, reason := g.decide(measured)
	if reason != g.reason || rate != g.rate {
		g.since = now
	}
	changed := rate != g.rate
	g.rate, g.reason = rate, reason
	g.from, g.events, g.writes, g.failed, g.took = now, 0, 0, 0, 0
	return changed
}

// decide is the rule: what the rate is to be after an interval in which so many events per second were emitted.
func (g *Governor) decide(measured float64) (float64, Reason) {
	c := &g.cfg
	switch {
	case g.failed > 0:
		return g.fall(measured, c.Decrease, Failing)
	case g.writes > 0 && g.latency > c.Target:
		excess := float64(c.Target) / float64(g.latency)
		return g.fall(measured, max(c.Decrease, min(gentlest, excess)), Slow)
	}
	if g.writes > 0 {
		g.highest = max(g.highest, measured)
	}
	switch {
	case g.rate == 0:
		return 0, NotYet
	case g.writes > 0 && float64(g.latency) > calm*float64(c.Target):
		if g.rises, g.beyond = 0, 0; g.knee == 0 {
			g.knee = g.rate
		}
		return g.rate, Steady
	case c.Ceiling > 0 && g.rate >= c.Ceiling:
		return c.Ceiling, AtCeiling
	case measured < used*g.rate:
		return g.rate, Unused
	}
	rate := g.rise()
	if c.Ceiling > 0 {
		rate = min(rate, c.Ceiling)
	}
	return rate, Recovered
}

// rise is the next higher rate. It comes near the knee by ever smaller steps, since many sinks are well up to a point and then not at all, and goes on
// beyond it by ever larger ones, since sinks change.
func (g *Governor) rise() float64 {
	g.rises++
	if g.knee == 0 {
		return g.rate * search
	}
	whole := g.cfg.Increase
	if whole == 0 {
		whole = g.highest / 20
	}
	if g.rate < g.knee {
		g.beyond = 0
		return g.rate + min(whole, max((g.knee-g.rate)/4, whole/finest))
	}
	g.beyond++
	return g.rate + min(whole, whole/finest*math.Exp2(float64(g.beyond/patience)))
}

// fall lowers the rate, from what was measured if that is less: what was not reached did not make the sinks slow. A stall, in which next to nothing is
// measured, does not take it to the floor at once.
func (g *Governor) fall(measured, factor float64, why Reason) (float64, Reason) {
	before := g.rate
	if before == 0 {
		before = max(measured, g.highest)
	}
	if g.rises > 0 { // it rose too far
		g.knee, g.highest = margin*before, min(g.highest, before)
	}
	g.rises, g.beyond = 0, 0
	rate := min(before, max(measured, before/4))
	if rate *= factor; rate > g.cfg.Floor {
		return rate, why
	}
	return g.cfg.Floor, AtFloor
}
