package windowing

import (
	"slices"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/window"
)

// place is where a window stands or belongs, in the order of start, then end.
func (ws *windows[A]) place(w window.TimeWindow) int {
	i := len(*ws)
	for i > 0 {
		p := (*ws)[i-1].TimeWindow
		if p.Start < w.Start || p.Start == w.Start && p.End < w.End {
			break
		}
		i--
	}
	return i
}

func (ws *windows[A]) remove(i int) { *ws = slices.Delete(*ws, i, i+1) }

// insert opens a window at its place.
func (o *Operator[T, A]) insert(ws *windows[A], i int, w window.TimeWindow) {
	if last := len(o.spare) - 1; *ws == nil && last >= 0 {
		*ws, o.spare = o.spare[last], o.spare[:last]
	}
	*ws = slices.Insert(*ws, i, live[A]{TimeWindow: w, timer: keyed.None})
}

const (
	maxSpare       = 1024 // keys without windows whose memory is kept
	maxSpareLength = 4    // windows
)

// empty takes the last of a key's windows away; the next key that gets one has their memory.
func (o *Operator[T, A]) empty(e *keyed.Entry) {
	if ws := *o.cell.Get(e); len(o.spare) < maxSpare && cap(ws) <= maxSpareLength {
		o.spare = append(o.spare, ws[:0])
	}
	o.cell.Clear(e)
}

// spent reports whether nothing of a window is left to keep: purged, or all of it taken back, with nothing shown and no timer.
func (ws *windows[A]) spent(i int) bool {
	l := &(*ws)[i]
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
