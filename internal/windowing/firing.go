package windowing

import (
	"math"
	"time"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/window"
)

// apply does what the trigger decided.
func (o *Operator[T, A]) apply(e *keyed.Entry, l *live[A], r window.Result, origin int64, late bool) error {
	if r.Fires() && !l.fired {
		if err := o.emit(e, l, origin, late); err != nil {
			return err
		}
	}
	if r.Purges() {
		if o.traces(e.Key) {
			o.tellTime(Purged, e, l.TimeWindow, l.count, late)
		}
		var zero A
		l.contents, l.count, l.fired, l.shown, l.from = zero, 0, false, nil, nil
	}
	return nil
}

// emit sends the window's contents, after the retraction of what it showed before.
func (o *Operator[T, A]) emit(e *keyed.Entry, l *live[A], origin int64, late bool) error {
	l.fired = true
	if o.processing {
		origin = o.watermark
	}
	o.begin(e, origin, late)
	for i, shown := range l.shown {
		if o.traces(e.Key) {
			o.tellTime(Retracted, e, shown.window, 0, late)
		}
		to := flow.Everyone
		if shown.told {
			to = flow.Sinks
		}
		if err := o.retract(shown, to, i < len(l.shown)-1 || l.count > 0 || o.more); err != nil {
			return err
		}
	}
	l.shown = nil
	if l.count <= 0 { // everything in it was taken back
		l.fired = false
		return nil
	}
	if o.keep > 0 {
		o.Fold.Keep(&l.contents, o.keep)
	}
	o.Panes++
	o.meta.Timestamp, o.meta.Retract, o.meta.For, o.meta.More = l.MaxTimestamp(), false, flow.Everyone, o.more
	o.pane.Window, o.pane.Contents, o.pane.Partial = l.TimeWindow, &l.contents, o.partial(l.TimeWindow)
	if o.pane.Partial {
		o.PartialPanes++
	}
	if o.pane.From = nil; o.Provenance {
		o.pane.From = l.places()
	}
	if o.traces(e.Key) {
		o.tellTime(Fired, e, l.TimeWindow, l.count, late)
	}
	return o.Fire(&o.pane)
}

// begin prepares for emissions of an entry.
func (o *Operator[T, A]) begin(e *keyed.Entry, origin int64, late bool) {
	o.meta = flow.Meta{Origin: origin, Split: flow.NoSplit, Counted: true}
	o.pane = Pane[A]{Key: e.Key, Meta: &o.meta, Late: late, Watermark: o.watermark}
}

// retract emits an earlier pane again, to be taken back.
func (o *Operator[T, A]) retract(shown pane, to flow.Audience, more bool) error {
	contents, err := o.Fold.Codec.Decode(shown.contents)
	if err != nil {
		return err
	}
	if to != flow.Sinks {
		o.Retractions++
	}
	o.meta.Timestamp, o.meta.Retract, o.meta.For, o.meta.More = shown.window.MaxTimestamp(), true, to, more
	o.pane.Window, o.pane.Contents, o.pane.Partial = shown.window, &contents, o.partial(shown.window)
	o.pane.From = shown.from
	return o.Fire(&o.pane)
}

// announce takes back, for operators with state, what the window has shown and will supersede when it next fires: they judge it by the record that changed the
// window, as they would its late firing.
func (o *Operator[T, A]) announce(e *keyed.Entry, l *live[A], origin int64) error {
	o.begin(e, origin, true)
	for i := range l.shown {
		if l.shown[i].told {
			continue
		}
		l.shown[i].told = true
		if err := o.retract(l.shown[i], flow.State, false); err != nil {
			return err
		}
	}
	return nil
}

// partial reports whether a window may lack records: its own, or for a session the ones it would have been joined by.
func (o *Operator[T, A]) partial(w window.TimeWindow) bool {
	missing := o.Partial()
	if missing == math.MinInt64 || o.processing {
		return false
	}
	reach := int64(0)
	if o.merging {
		if reach = w.End - w.Start; reach < 0 { // no less than the gap, and more than an int64 says
			reach = math.MaxInt64
		}
		if gap, ok := o.Assigner.(interface{ Gap() time.Duration }); ok {
			reach = gap.Gap().Milliseconds()
		}
	}
	return w.Start <= flow.AddSaturating(missing, reach)
}

// deadline is when the window next needs attention. The end of time itself is no deadline: what would be due then is due one millisecond before.
func (o *Operator[T, A]) deadline(l *live[A]) int64 {
	if !l.ended {
		return min(l.timer, endable(l.MaxTimestamp()))
	}
	return min(l.timer, endable(o.closing(l.TimeWindow)))
}

func endable(ts int64) int64 { return min(ts, math.MaxInt64-1) }

// settle ends work on an entry's windows: it sets the entry's deadline to the earliest of theirs, and clears the cell where none is left.
func (o *Operator[T, A]) settle(e *keyed.Entry, ws *windows[A]) {
	next, n := keyed.None, ws.count()
	for i := range n {
		next = min(next, o.deadline(ws.at(i)))
	}
	o.Store.SetDeadline(e, o.domain, next)
	if n == 0 {
		o.cell.Clear(e)
	}
}

// due does what an entry has to do at time: triggers, ends and cleanups, window by window from the earliest start. The caller settles the entry.
func (o *Operator[T, A]) due(e *keyed.Entry, time int64) error {
	ws := o.cell.Get(e)
	for i := 0; ws != nil && i < ws.count(); i++ {
		l := ws.at(i)
		if o.deadline(l) > time {
			continue
		}
		if l.timer <= time {
			l.timer = keyed.None
			if err := o.apply(e, l, o.Trigger.OnTime(l.TimeWindow, time, o.at(l, time)), flow.AddSaturating(time, -1), false); err != nil {
				return err
			}
		}
		if !l.ended && endable(l.MaxTimestamp()) <= time {
			l.ended = true
			result := window.Fire
			if o.Trigger != nil {
				result = o.Trigger.OnTime(l.TimeWindow, l.MaxTimestamp(), o.at(l, time))
			}
			if err := o.apply(e, l, result, flow.AddSaturating(l.MaxTimestamp(), -1), false); err != nil {
				return err
			}
		}
		if l.ended && endable(o.closing(l.TimeWindow)) <= time || ws.spent(i) {
			if o.traces(e.Key) {
				o.tellTime(Removed, e, l.TimeWindow, l.count, false)
			}
			ws.remove(i)
			i--
		}
	}
	if ws != nil {
		o.settle(e, ws)
	} else {
		o.Store.SetDeadline(e, o.domain, keyed.None)
	}
	o.Store.Dirty(e)
	return nil
}

// Advance moves the operator's watermark, fires what is due, and passes time on.
func (o *Operator[T, A]) Advance(w int64) error {
	o.input = max(o.input, w)
	if w = o.behind(w); w <= o.watermark {
		return nil
	}
	o.watermark = w
	if !o.processing || w == math.MaxInt64 { // the end of input drains
		o.decidesAt(w, nil)
		if err := o.fire(w); err != nil {
			return err
		}
	}
	return o.Next.Advance(w)
}

func (o *Operator[T, A]) fire(time int64) error { return o.Store.Fire(o.domain, time, o.dueFunc) }

// NextWake is the processing time, in milliseconds, before which Wake has nothing to do.
func (o *Operator[T, A]) NextWake() int64 {
	if !o.processing {
		return math.MaxInt64
	}
	return flow.AddSaturating(o.Store.Next(keyed.ProcessingTime), 1)
}

// Wake fires processing-time windows up to the millisecond before now: during the last one of a window records for it may still come.
func (o *Operator[T, A]) Wake(now int64) error {
	if !o.processing {
		return nil
	}
	o.decidesAt(now-1, nil)
	return o.fire(now - 1)
}
