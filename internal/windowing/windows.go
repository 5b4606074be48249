package windowing

import (
	"slices"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/window"
)

// windows are the windows of one key, by start. Most keys have one, which stands with the key and not behind a pointer.
type windows[A any] struct {
	n     int
	first live[A]
	rest  []live[A]
}

func (ws *windows[A]) count() int { return ws.n }

// at is a window by number, valid until windows before it come or go.
func (ws *windows[A]) at(i int) *live[A] {
	if i == 0 {
		return &ws.first
	}
	return &ws.rest[i-1]
}

// add makes room for a window at the end.
func (ws *windows[A]) add() *live[A] {
	n := ws.count()
	ws.insert(n, live[A]{})
	return ws.at(n)
}

func (ws *windows[A]) insert(i int, l live[A]) {
	if i > 0 {
		ws.rest = slices.Insert(ws.rest, i-1, l)
	} else {
		if ws.n > 0 {
			ws.rest = slices.Insert(ws.rest, 0, ws.first)
		}
		ws.first = l
	}
	ws.n++
}

func (ws *windows[A]) remove(i int) {
	switch {
	case i > 0:
		ws.rest = slices.Delete(ws.rest, i-1, i)
	case len(ws.rest) > 0:
		ws.first = ws.rest[0]
		ws.rest = slices.Delete(ws.rest, 0, 1)
	default:
		ws.first = live[A]{}
	}
	ws.n--
}

// place is where a window stands or belongs, in the order of start, then end.
func (ws *windows[A]) place(w window.TimeWindow) int {
	i := ws.count()
	for i > 0 {
		p := ws.at(i - 1).TimeWindow
		if p.Start < w.Start || p.Start == w.Start && p.End < w.End {
			break
		}
		i--
	}
	return i
}

// spent reports whether nothing of a window is left to keep: purged, or all of it taken back, with nothing shown and no timer.
func (ws *windows[A]) spent(i int) bool {
	l := ws.at(i)
	return l.count <= 0 && !l.fired && len(l.shown) == 0 && l.timer == keyed.None
}

// drop removes a window that is spent.
func (ws *windows[A]) drop(i int) {
	if ws.spent(i) {
		ws.remove(i)
	}
}

// triggerContext shows one window to a trigger.
type triggerContext struct {
	watermark  int64
	processing func() int64
	count      int64
	timer      *int64
}

func (o *Operator[T, A]) at(l *live[A], watermark int64) *triggerContext {
	o.context = triggerContext{watermark: watermark, processing: o.Now, count: l.count, timer: &l.timer}
	return &o.context
}

func (c *triggerContext) Watermark() int64      { return c.watermark }
func (c *triggerContext) ProcessingTime() int64 { return c.processing() }
func (c *triggerContext) Count() int64          { return c.count }
func (c *triggerContext) SetTimer(ts int64)     { *c.timer = ts }
func (c *triggerContext) ClearTimer()           { *c.timer = keyed.None }
