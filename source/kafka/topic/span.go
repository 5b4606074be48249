package topic

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Forever is the Retention of a topic whose records stay.
const Forever time.Duration = -1

const (
	day  = 24 * time.Hour
	week = 7 * day
	year = 365 * day
)

// ParseSpan reads a retention: "forever", or a span such as "7y", "90d", "1y6w" or "36h". A day has 24 hours, a week 7 days and a year 365; smaller units
// are those of time.ParseDuration. A span is above 0 and below 292 years.
func ParseSpan(text string) (time.Duration, error) {
	if text == "forever" {
		return Forever, nil
	}
	wrong := func(why string) (time.Duration, error) {
		return 0, fmt.Errorf("span %q: %s; write forever, or a span such as 7y, 6w, 90d or 36h", text, why)
	}
	rest, sum := text, time.Duration(0)
	for {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		unit, known := map[byte]time.Duration{'y': year, 'w': week, 'd': day}[at(rest, len(digits))]
		if digits == "" || !known {
			break
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > int64((math.MaxInt64-sum)/unit) {
			return wrong("it is too long")
		}
		sum += time.Duration(n) * unit
		rest = rest[len(digits)+1:]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		switch {
		case err != nil || strings.ContainsAny(rest, "+-"):
			return wrong("it is not one")
		case d > math.MaxInt64-sum:
			return wrong("it is too long")
		}
		sum += d
	}
	if sum < time.Millisecond {
		return wrong("it is empty")
	}
	return sum, nil
}

// at is the byte of s at i, 0 behind its end.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// FormatSpan writes a retention as ParseSpan reads it, in years or days where it is whole ones: "7y", "90d", "36h0m0s", "forever".
func FormatSpan(d time.Duration) string {
	switch {
	case d < 0:
		return "forever"
	case d > 0 && d%year == 0:
		return strconv.Itoa(int(d/year)) + "y"
	case d > 0 && d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	}
	return d.String()
}

// spanOf is the span of a setting in milliseconds; whatever is too long for a Duration, or negative, is Forever.
func spanOf(ms int64) time.Duration {
	if ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return Forever
	}
	return time.Duration(ms) * time.Millisecond
}

// shorter reports whether a keeps less than b.
func shorter(a, b time.Duration) bool { return a != Forever && (b == Forever || a < b) }
