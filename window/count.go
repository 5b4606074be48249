package window

import "fmt"

type atCount struct {
	n int64
	// resets says that each firing purges, so that Count begins anew. Then a count that a merge of sessions lifted over n fires as well.
	resets bool
}

// AtCount fires at every n-th record of a window, and not at its end. Where windows merge their counts add up, and a multiple of n that the sum jumps
// over does not fire, unless the trigger is purging.
func AtCount(n int64) Trigger { return atCount{n: n} }

func (t atCount) Err() error {
	if t.n < 1 {
		return fmt.Errorf("trigger at count %d: want at least 1", t.n)
	}
	return nil
}

func (t atCount) OnElement(_ TimeWindow, _ int64, ctx TriggerContext) Result {
	if t.n < 1 {
		return Continue
	}
	if count := ctx.Count(); t.resets && count >= t.n || count%t.n == 0 {
		return Fire
	}
	return Continue
}

func (t atCount) OnTime(TimeWindow, int64, TriggerContext) Result { return Continue }
func (t atCount) String() string                                  { return fmt.Sprintf("at count %d", t.n) }
func (t atCount) purging() Trigger                                { t.resets = true; return t }

type purging struct{ inner Trigger }

// Purging drops a window's contents whenever t fires: each result holds what came since the one before it.
func Purging(t Trigger) Trigger {
	if r, ok := t.(interface{ purging() Trigger }); ok {
		t = r.purging()
	}
	return purging{t}
}

// Discards reports whether a trigger drops what it emits, so that no later result of a window supersedes an earlier one.
func Discards(t Trigger) bool {
	switch t := t.(type) {
	case purging:
		return true
	case never:
		return true
	case anyOf:
		for _, inner := range t {
			if !Discards(inner) {
				return false
			}
		}
		return true
	}
	return false
}

func (t purging) Err() error { return errOf(t.inner) }

func (t purging) OnElement(w TimeWindow, ts int64, ctx TriggerContext) Result {
	return purged(t.inner.OnElement(w, ts, ctx))
}

func (t purging) OnTime(w TimeWindow, time int64, ctx TriggerContext) Result {
	return purged(t.inner.OnTime(w, time, ctx))
}

func purged(r Result) Result {
	if r.Fires() {
		return FireAndPurge
	}
	return r
}

func (t purging) String() string { return "purging " + t.inner.String() }
func (t purging) timers() int    { return timersOf(t.inner) }
