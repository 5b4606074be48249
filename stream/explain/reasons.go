package explain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// whyLate says why no window took a record: by how much it came too late, and where the window has gone that it belongs to.
func (b *builder[E, O]) whyLate(e *stream.TraceEvent) string {
	if e.Strict {
		return fmt.Sprintf("refused by strict lateness: the watermark was %s, %s past the record's time and the allowed lateness", stamp(e.Watermark), span(e.Watermark-e.Timestamp-lateness(e.FiresAt, e.ClosesAt)+1))
	}
	near := b.near(e.Window)
	if near == nil {
		return fmt.Sprintf("late by %s: a %s of its own, %s, takes records until the watermark is %s, and it was %s; allowed lateness %s",
			span(e.Watermark-e.ClosesAt+1), b.life.window, spell(e.Window), stamp(e.ClosesAt), stamp(e.Watermark), span(lateness(e.FiresAt, e.ClosesAt)))
	}
	return fmt.Sprintf("late by %s: the %s %s was closed when %s; allowed lateness %s",
		span(e.Watermark-max(e.ClosesAt, near.ClosesAt)+1), b.life.window, spell(near.Window), moved(near), span(lateness(near.FiresAt, near.ClosesAt)))
}

// near is the closed window that a late one belongs to: the last to close of those that it touches.
func (b *builder[E, O]) near(w window.TimeWindow) *Decision[O] {
	var best *Decision[O]
	for i := range b.past {
		if d := &b.past[i]; d.Window.Touches(w) && (best == nil || d.ClosesAt > best.ClosesAt) {
			best = d
		}
	}
	return best
}

// moved says how time came to a decision.
func moved[O any](d *Decision[O]) string {
	switch {
	case d.Watermark == watermark.Max:
		return "the input ended"
	case d.Split == "":
		return "the watermark reached " + stamp(d.Watermark)
	case d.Offset < 0:
		return fmt.Sprintf("the watermark reached %s, by %s", stamp(d.Watermark), d.Split)
	}
	return fmt.Sprintf("the watermark reached %s, by %s offset %d", stamp(d.Watermark), d.Split, d.Offset)
}

func lateness(fires, closes int64) int64 { return closes - fires }

// waits is what keeps a window open: the splits whose watermark is not where it would be emitted.
func (b *builder[E, O]) waits(w window.TimeWindow) *Waits {
	wait := &Waits{For: b.fires[w]}
	for _, s := range b.life.Splits {
		if s.Watermark < wait.For {
			wait.HeldBy = append(wait.HeldBy, s)
		}
	}
	slices.SortStableFunc(wait.HeldBy, func(a, b SplitEnd) int { return cmp.Compare(a.Watermark, b.Watermark) })
	return wait
}

// stamp is a time as people read it, to the millisecond, in UTC.
func stamp(ms int64) string {
	switch ms {
	case watermark.Min:
		return "not begun"
	case watermark.Max:
		return "the end"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000")
}

// spell is a window as people read it; the day of its end only where it is another one.
func spell(w window.TimeWindow) string {
	end := time.UnixMilli(w.End).UTC()
	layout := "15:04:05.000"
	if start := time.UnixMilli(w.Start).UTC(); start.YearDay() != end.YearDay() || start.Year() != end.Year() {
		layout = "2006-01-02 " + layout
	}
	return "[" + stamp(w.Start) + ", " + end.Format(layout) + ")"
}

// span is a time span in milliseconds as people read it.
func span(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }
