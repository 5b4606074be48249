package limit

import (
	"math"
	"time"
)

// ledger is an account: units come in at a rate and are drawn ahead of that.
type ledger struct {
	rate   float64 // a second; 0 for no bound
	earned float64
	drawn  float64
}

// tolerance is a part of a unit that may be missing: sums of fractions are not exact.
const tolerance = 1e-3

func (a *ledger) earn(d time.Duration) {
	if a.rate == 0 {
		a.earned = a.drawn
		return
	}
	a.earned = min(a.earned+a.rate*d.Seconds(), a.drawn+a.rate*burst.Seconds())
}

// draw takes n and is what must have been earned for it.
func (a *ledger) draw(n float64) float64 {
	if a.drawn += n; a.rate == 0 {
		a.earned = a.drawn
	}
	return a.drawn
}

func (a *ledger) due(number float64) time.Duration {
	missing := number - a.earned
	if a.rate == 0 || missing < tolerance {
		return 0
	}
	return time.Duration(min(float64(longest), math.Ceil(missing/a.rate*float64(time.Second))))
}

// share is how much one ticket may take.
func (a *ledger) share() float64 {
	if a.rate == 0 {
		return math.Inf(1)
	}
	return a.rate * quantum.Seconds()
}
