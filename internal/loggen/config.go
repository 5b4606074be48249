package loggen

import (
	"cmp"
	"errors"
	"fmt"
)

// Config is a log. The zero value of every field but Events has a default, given in brackets; negative stands for none where a share is meant.
// Durations and times are in milliseconds, shares in thousandths of the events.
type Config struct {
	Seed   uint64
	Events int // how many, duplicates included; may be 0
	Users  int // [one for 25 events] the first are the busiest: user n has about 1/n of the sessions of the first

	Start  int64 // [1,700,000,000,000] time of the first events
	Gap    int64 // [30 min] the session gap that gaps between events are aimed at
	Bound  int64 // [1 min] out-of-orderness that the log keeps to, but for the late; less than Gap
	Length int64 // [half a second for each event, at least 12 h] event time that the log covers, roughly: up to twice as much, as busy users rest too

	Minutes    int // [30] events that come up to 20 minutes later than the bound allows
	Hours      int // [30] events that come 1 to 6 hours late
	Duplicates int // [10] events that come twice
	Bare       int // [100] events without properties
}

const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
)

func (c Config) withDefaults() Config {
	c.Users = cmp.Or(c.Users, max(1, c.Events/25))
	c.Start = cmp.Or(c.Start, 1_700_000_000_000)
	c.Gap = cmp.Or(c.Gap, 30*minute)
	c.Bound = cmp.Or(c.Bound, minute)
	c.Length = cmp.Or(c.Length, max(12*hour, int64(c.Events)*second/2))
	c.Minutes = cmp.Or(c.Minutes, 30)
	c.Hours = cmp.Or(c.Hours, 30)
	c.Duplicates = cmp.Or(c.Duplicates, 10)
	c.Bare = cmp.Or(c.Bare, 100)
	return c
}

// Validate reports everything that is wrong with the config.
func (c Config) Validate() error {
	d := c.withDefaults()
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("loggen: "+format, args...))
		}
	}
	check(d.Events >= 0, "Events is %d, want at least 0", d.Events)
	check(d.Users > 0, "Users is %d, want more than 0", d.Users)
	check(d.Length > 0, "Length is %d ms, want more than 0", d.Length)
	check(d.Bound >= 2, "Bound is %d ms, want at least 2", d.Bound)
	check(d.Gap > d.Bound+1, "Gap is %d ms, want more than Bound + 1 ms = %d", d.Gap, d.Bound+1)
	check(d.Minutes+d.Hours <= 500, "Minutes + Hours are %d thousandths, want at most 500", d.Minutes+d.Hours)
	check(d.Duplicates <= 500, "Duplicates are %d thousandths, want at most 500", d.Duplicates)
	return errors.Join(errs...)
}
