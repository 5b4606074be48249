package window

import (
	"math"
	"time"
)

// phase is an offset as milliseconds in [0, period).
func phase(offset time.Duration, period int64) int64 {
	if period < 1 {
		return 0
	}
	return floorMod(offset.Milliseconds(), period)
}

// floorMod is the remainder in [0, m) for m > 0, also of negative numbers.
func floorMod(x, m int64) int64 {
	r := x % m
	if r < 0 {
		r += m
	}
	return r
}

// into is how far ts lies into its period: ts minus the period's start, in [0, period). offset is in [0, period). It cannot overflow, as
// ts - offset could.
func into(ts, offset, period int64) int64 {
	d := floorMod(ts, period) - offset
	if d < 0 {
		d += period
	}
	return d
}

// plus and minus add and subtract n >= 0 and stay at the ends of time.
func plus(x, n int64) int64 {
	if x > math.MaxInt64-n {
		return math.MaxInt64
	}
	return x + n
}

func minus(x, n int64) int64 {
	if x < math.MinInt64+n {
		return math.MinInt64
	}
	return x - n
}
