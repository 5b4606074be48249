package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
)

// short is a number in three digits with a letter for its thousands: 950, 12.3k, 4M.
func short(v float64) string {
	for _, u := range []struct {
		least float64
		name  string
	}{{999.5e6, "G"}, {999.5e3, "M"}, {999.5, "k"}} {
		if v >= u.least {
			thousand := map[string]float64{"G": 1e9, "M": 1e6, "k": 1e3}[u.name]
			return digits(v/thousand) + u.name
		}
	}
	return digits(v)
}

// digits is a number in about three digits.
func digits(v float64) string {
	places := 0
	switch {
	case v < 9.995:
		places = 2
	case v < 99.95:
		places = 1
	}
	s := strconv.FormatFloat(v, 'f', places, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// duration is a time in words that fit its size.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// rateTicks label events per second.
type rateTicks struct{ log bool }

// Ticks implements plot.Ticker.
func (r rateTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	if !r.log {
		step := niceStep(high-low, 6, []float64{1, 2, 2.5, 5, 10})
		for v := low; v <= high; v += step {
			ticks = append(ticks, plot.Tick{Value: v, Label: short(v)})
		}
		return ticks
	}
	decades := math.Log10(high / low)
	for exp := math.Floor(math.Log10(low)); exp <= math.Log10(high); exp++ {
		for i := 1.0; i < 10; i++ {
			t := plot.Tick{Value: i * math.Pow(10, exp)}
			if t.Value < low*0.999 || t.Value > high { // one out of sight would still take its room
				continue
			}
			if i == 1 || decades < 2.5 && (i == 2 || i == 5) {
				t.Label = short(t.Value)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// niceStep divides a span in at most so many steps of a round size.
func niceStep(span float64, most int, round []float64) float64 {
	if span <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(span/float64(most))))
	for _, r := range round {
		if r*power*float64(most) >= span {
			return r * power
		}
	}
	return 10 * power
}

// timeTicks label seconds since the beginning.
type timeTicks struct{}

// steps are round times in seconds.
var steps = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 48 * 3600, 7 * 24 * 3600}

// Ticks implements plot.Ticker.
func (timeTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	step := steps[len(steps)-1]
	for _, s := range steps {
		if (high-low)/s <= 10 {
			step = s
			break
		}
	}
	for n := math.Ceil(low / step); n*step <= high; n++ {
		v := n*step + 0 // never a negative zero
		ticks = append(ticks, plot.Tick{Value: v, Label: clockTime(v, high-low)})
	}
	return ticks
}

// timeUnit says how to read clockTime.
func timeUnit(span float64) string {
	switch {
	case span < 90:
		return " (s)"
	case span < 2*3600:
		return " (min:s)"
	}
	return " (h:min)"
}

func clockTime(v, span float64) string {
	sign := ""
	if v < -1e-9 {
		sign, v = "\u2212", -v
	}
	n := int64(math.Round(v))
	switch {
	case span < 90:
		return sign + digits(v)
	case span < 2*3600:
		return sign + fmt.Sprintf("%d:%02d", n/60, n%60)
	}
	return sign + fmt.Sprintf("%d:%02d", n/3600, n/60%60)
}
