package window

import (
	"fmt"
	"time"
)

type every struct{ interval time.Duration }

// Every fires at each multiple of interval, in the window's time, from the first after its first record, at the window's end, and then for
// each late record: results while the window still fills. After a purge it begins anew with the next record.
func Every(interval time.Duration) Trigger { return every{interval} }

func (t every) Err() error { return positive("trigger interval", t.interval) }

func (t every) OnElement(w TimeWindow, ts int64, ctx TriggerContext) Result {
	step := t.interval.Milliseconds()
	if step < 1 {
		return Continue
	}
	if ctx.Watermark() >= w.MaxTimestamp() {
		return Fire
	}
	if ctx.Count() == 1 {
		// Later records must not move the timer: it would never be reached.
		t.arm(w, plus(ts, step-floorMod(ts, step)), ctx)
	}
	return Continue
}

func (t every) OnTime(w TimeWindow, time int64, ctx TriggerContext) Result {
	step := t.interval.Milliseconds()
	if step < 1 {
		return Continue
	}
	if time < w.MaxTimestamp() {
		t.arm(w, plus(time, step), ctx)
	}
	return Fire
}

// arm sets the timer, but where the window's end comes first, which fires by itself.
func (t every) arm(w TimeWindow, at int64, ctx TriggerContext) {
	if at < w.MaxTimestamp() {
		ctx.SetTimer(at)
	}
}

func (t every) String() string { return fmt.Sprintf("every %s", t.interval) }
func (t every) timers() int    { return 1 }
