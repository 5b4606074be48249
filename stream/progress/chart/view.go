package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/stream/progress"
)

// mostSpans is how many spans a line has at most: more would be noise. Spans shorter than a second are too, but where there is little time there are fewSpans.
const (
	mostSpans = 240
	fewSpans  = 60
)

// spanOf is the span of a line that covers a time.
func spanOf(d time.Duration) time.Duration { return max(d/mostSpans, min(time.Second, d/fewSpans)) }

// view is what is to be drawn. Times are seconds since the subject began.
type view struct {
	title, subtitle string
	from, to        float64
	peak            point
	low, high       float64 // of the vertical axis
	log             bool
	lines           []line // the subject last, above the others
	live            []point
	marks           []mark
}

type line struct {
	name    string
	subject bool
	parts   [][]point // between gaps
}

type point struct{ x, y float64 }

type mark struct {
	x    float64
	text string
}

// ends is what a rate falls to zero after.
var ends = []progress.MarkKind{progress.Ended, progress.Stopped, progress.Failed}

// prepare lays the histories out.
func prepare(o Options, histories []progress.History) (*view, error) {
	subject, peak := -1, 0.0
	for i, h := range histories {
		if !o.Whole {
			h = h.LastRun()
		}
		if top := steepest(h); top > peak {
			subject, peak = i, top
		}
	}
	if subject < 0 {
		return nil, ErrEmpty
	}
	s := histories[subject]
	if !o.Whole {
		s = s.LastRun()
	}
	begin, end := s.Begin(), s.End()
	margin := o.Margin
	if margin == 0 {
		margin = end.Sub(begin) / 12
	}
	margin = max(0, margin)
	first, last := begin, end
	for i, h := range histories {
		if i == subject || len(h.Points) == 0 {
			continue
		}
		first, last = earlier(first, h.Begin()), later(last, h.End())
	}
	first, last = later(first, begin.Add(-margin)), earlier(last, end.Add(margin))
	v := &view{from: first.Sub(begin).Seconds(), to: last.Sub(begin).Seconds()}
	ended := len(s.Marks) > 0 && slices.Contains(ends, s.Marks[len(s.Marks)-1].Kind)
	if ended {
		v.to = max(v.to, 1.03*end.Sub(begin).Seconds())
	}
	span := spanOf(last.Sub(first))
	for i, h := range histories {
		if i == subject {
			continue
		}
		if l := v.line(within(h, first.Add(-span), last.Add(span)), begin, span); len(l.parts) > 0 {
			v.lines = append(v.lines, l)
		}
	}
	l := v.line(s, begin, span)
	l.subject = true
	if n := len(l.parts); ended && n > 0 {
		l.parts[n-1] = append(l.parts[n-1], point{end.Sub(begin).Seconds(), 0})
	}
	v.lines = append(v.lines, l)
	v.liveRate(histories, first, last, begin, span)
	v.axis(o.Scale)
	v.annotate(s, begin)
	v.words(o, s)
	return v, nil
}

// steepest is the most events per second of a history, over a reasonable span.
func steepest(h progress.History) (top float64) {
	for _, r := range h.Rates(spanOf(h.End().Sub(h.Begin()))) {
		top = max(top, r.Events)
	}
	return top
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// within is the part of a history that lies in a time.
func within(h progress.History, from, to time.Time) progress.History {
	out := progress.History{Name: h.Name}
	for _, p := range h.Points {
		if !p.Time().Before(from) && !p.Time().After(to) {
			out.Points = append(out.Points, p)
		}
	}
	return out
}

// line is a history's events per second. The rate of a span stands in its middle.
func (v *view) line(h progress.History, begin time.Time, span time.Duration) line {
	l := line{name: h.Name}
	var part []point
	flush := func() {
		if len(part) > 1 {
			l.parts = append(l.parts, part)
		}
		part = nil
	}
	for i, r := range h.Rates(span) {
		if i == 0 || r.Gap {
			flush()
			continue
		}
		x := r.At.Add(-r.Span / 2).Sub(begin).Seconds()
		if len(part) == 0 {
			part = append(part, point{r.At.Add(-r.Span).Sub(begin).Seconds(), r.Events})
		}
		part = append(part, point{x, r.Events})
	}
	if n := len(part); n > 0 {
		part = append(part, point{h.End().Sub(begin).Seconds(), part[n-1].y})
	}
	flush()
	return l
}

// nearEnd is how many seconds of the live rate a job may be behind to know it well: one that reads history sees the log's end only as often as it fetches.
const nearEnd = 10

// liveRate takes the live rate from the history that knows it best: where its job was near the log's end, then where it knew anything.
func (v *view) liveRate(histories []progress.History, first, last, begin time.Time, span time.Duration) {
	best := 0
	for _, h := range histories {
		var live []point
		near := 0
		for _, r := range within(h, first, last).Rates(max(span, time.Second)) {
			if r.Live > 0 {
				live = append(live, point{r.At.Sub(begin).Seconds(), r.Live})
				if r.Lag >= 0 && float64(r.Lag) <= nearEnd*r.Live {
					near++
				}
			}
		}
		if known := len(live) + mostSpans*near; known > best {
			v.live, best = live, known
		}
	}
}

// axis chooses the vertical axis.
func (v *view) axis(s Scale) {
	for _, l := range v.lines {
		for _, part := range l.parts {
			for _, p := range part {
				v.high = max(v.high, p.y)
				if l.subject && p.y > v.peak.y {
					v.peak = p
				}
			}
		}
	}
	steady := v.steady()
	v.log = s == Log || s != Linear && steady > 0 && v.high > 20*steady
	if !v.log {
		v.high *= 1.1
		return
	}
	low := v.high / 1000
	if steady > 0 {
		low = min(low, steady/3)
	}
	v.low = math.Pow(10, math.Floor(math.Log10(max(1, low))))
	v.high = math.Pow(10, math.Log10(v.high)+0.08*math.Log10(v.high/v.low))
}

// steady is the median of the live rate; where that is not known, of the other lines; 0 without either.
func (v *view) steady() float64 {
	var ys []float64
	for _, p := range v.live {
		ys = append(ys, p.y)
	}
	if len(ys) == 0 {
		for _, l := range v.lines {
			for _, part := range l.parts {
				for _, p := range part {
					if !l.subject {
						ys = append(ys, p.y)
					}
				}
			}
		}
	}
	if len(ys) == 0 {
		return 0
	}
	slices.Sort(ys)
	return ys[len(ys)/2]
}

// annotate marks what happened to the subject.
func (v *view) annotate(s progress.History, begin time.Time) {
	for _, m := range s.Marks {
		text := string(m.Kind)
		if m.Kind == progress.Changed {
			text = m.Note
		}
		v.marks = append(v.marks, mark{time.UnixMilli(m.At).Sub(begin).Seconds(), text})
	}
}

// words makes the title and the line below it.
func (v *view) words(o Options, s progress.History) {
	v.title = o.Title
	if v.title == "" {
		names := []string{s.Name}
		for _, l := range v.lines {
			if !l.subject {
				names = append(names, l.name)
			}
		}
		v.title = "Throughput of " + strings.Join(names, " and ")
	}
	first, last := s.Points[0], s.Points[len(s.Points)-1]
	took := s.End().Sub(s.Begin())
	facts := []string{fmt.Sprintf("%s: %s events in %s", s.Name, short(float64(last.Events-first.Events)), duration(took))}
	if took > 0 {
		facts = append(facts, fmt.Sprintf("mean %s/s", short(float64(last.Events-first.Events)/took.Seconds())))
	}
	facts = append(facts, fmt.Sprintf("peak %s/s", short(v.peak.y)))
	if steady := v.steady(); steady > 0 && len(v.live) > 0 {
		facts = append(facts, fmt.Sprintf("live rate %s/s, so the peak is %s times it", short(steady), short(v.peak.y/steady)))
	}
	v.subtitle = strings.Join(facts, ", ")
}
