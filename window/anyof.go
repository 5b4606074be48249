package window

import (
	"errors"
	"fmt"
	"strings"
)

type anyOf []Trigger

// AnyOf fires when one of the triggers does, and purges when one of them does: AnyOf(AtEnd(), AtCount(100)) also emits windows that
// are large before they end. A window has one timer, so at most one of the triggers may need it, as Every does.
func AnyOf(triggers ...Trigger) Trigger { return append(anyOf(nil), triggers...) }

func (t anyOf) Err() error {
	if len(t) == 0 {
		return errors.New("trigger any of nothing: give AnyOf at least one trigger")
	}
	var all []error
	for _, each := range t {
		all = append(all, errOf(each))
	}
	if n := t.timers(); n > 1 {
		all = append(all, fmt.Errorf("trigger %s: %d of them need the window's one timer", t, n))
	}
	return errors.Join(all...)
}

func (t anyOf) OnElement(w TimeWindow, ts int64, ctx TriggerContext) Result {
	r := Continue
	for _, each := range t {
		r = both(r, each.OnElement(w, ts, ctx))
	}
	return r
}

func (t anyOf) OnTime(w TimeWindow, time int64, ctx TriggerContext) Result {
	r := Continue
	for _, each := range t {
		r = both(r, each.OnTime(w, time, ctx))
	}
	return r
}

func both(a, b Result) Result {
	switch fires, purges := a.Fires() || b.Fires(), a.Purges() || b.Purges(); {
	case fires && purges:
		return FireAndPurge
	case fires:
		return Fire
	case purges:
		return Purge
	}
	return Continue
}

func (t anyOf) String() string {
	names := make([]string, len(t))
	for i, each := range t {
		names[i] = each.String()
	}
	return "any of (" + strings.Join(names, ", ") + ")"
}

func (t anyOf) purging() Trigger {
	out := make(anyOf, len(t))
	for i, each := range t {
		if r, ok := each.(interface{ purging() Trigger }); ok {
			each = r.purging()
		}
		out[i] = each
	}
	return out
}

func (t anyOf) timers() (n int) {
	for _, each := range t {
		n += timersOf(each)
	}
	return n
}

// timersOf is how many of a trigger's parts use SetTimer; those made elsewhere are trusted not to.
func timersOf(t Trigger) int {
	if n, ok := t.(interface{ timers() int }); ok {
		return n.timers()
	}
	return 0
}
