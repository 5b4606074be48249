package oracle

import (
	"errors"
	"fmt"
	"math"
)

// Params is a windowed job. Exactly one of Gap and Size is set; all durations are in milliseconds.
type Params struct {
	Gap int64 // session windows: events at most Gap apart are one session

	Size   int64 // tumbling windows, or sliding ones if Slide is set
	Slide  int64 // 0 stands for Size
	Offset int64 // where windows start, as a remainder of Slide; may be negative

	Bound    int64 // how far the log may be out of order: watermark = highest timestamp - Bound - 1
	Lateness int64 // allowed lateness
	Strict   bool  // refuse every record with timestamp + Lateness <= its origin watermark, whatever window would take it
}

func (p Params) validate() error {
	slide := p.slide()
	switch {
	case (p.Gap > 0) == (p.Size > 0):
		return errors.New("oracle: set exactly one of Gap and Size")
	case min(p.Gap, p.Size, slide, p.Bound, p.Lateness) < 0:
		return fmt.Errorf("oracle: negative duration in %+v", p)
	case p.Size > 0 && (p.Offset <= -slide || p.Offset >= slide):
		return fmt.Errorf("oracle: offset %d is not smaller than the slide %d", p.Offset, slide)
	case p.Gap > 0 && (p.Slide != 0 || p.Offset != 0):
		return errors.New("oracle: sessions have neither slide nor offset")
	}
	return nil
}

func (p Params) slide() int64 {
	if p.Slide == 0 {
		return p.Size
	}
	return p.Slide
}

// clock is a watermark as the job's window operator uses it: a session [start, end) also owns a record at end, so sessions run 1 ms behind.
func (p Params) clock(watermark int64) int64 {
	if p.Gap == 0 || watermark == math.MaxInt64 {
		return watermark
	}
	return Sub(watermark, 1)
}

// refused reports whether the strict rule would call the record late. It compares with the origin watermark itself, for sessions too: a millisecond
// less, and a record could be let in whose left neighbour is closed to it.
func (p Params) refused(r Record) bool { return Add(r.Timestamp, p.Lateness) <= r.Origin }

// open reports whether w still takes records at this clock.
func (p Params) open(w Window, clock int64) bool { return Add(w.MaxTimestamp(), p.Lateness) > clock }

// assign lists the windows of a timestamp, newest first; none where a slide longer than the size leaves a gap.
func (p Params) assign(ts int64) []Window {
	if p.Gap > 0 {
		return []Window{{ts, Add(ts, p.Gap)}}
	}
	var windows []Window
	slide := p.slide()
	for start := ts - floorMod(ts-p.Offset, slide); start > ts-p.Size; start -= slide {
		windows = append(windows, Window{start, start + p.Size})
	}
	return windows
}

func floorMod(a, m int64) int64 { return (a%m + m) % m }

// Window is [Start, End).
type Window struct{ Start, End int64 }

// MaxTimestamp is the window's last millisecond.
func (w Window) MaxTimestamp() int64 { return w.End - 1 }

func (w Window) touches(o Window) bool { return w.Start <= o.End && o.Start <= w.End }

func (w Window) cover(o Window) Window { return Window{min(w.Start, o.Start), max(w.End, o.End)} }
