package explain

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// Text is how a Life is printed for people.
type Text[E, O any] struct {
	Event func(E) string // a record, in a few words
	Row   func(O) string // a row, in one line
	// Bound is how far the watermark lies behind the highest time seen, to say which record would release an open window; negative where that is not known.
	Bound  time.Duration
	Colour bool // for a terminal
}

// Colours of a terminal.
const (
	plain  = ""
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// widest bounds the column of the records.
const widest = 60

// Write prints the life as a timeline: the records in the order they were read, what was decided about each below it, and what time decided between them; then what
// came out, and what is open and why.
func (t Text[E, O]) Write(w io.Writer, l *Life[E, O]) error {
	p := &printer[E, O]{Text: t, window: cmp.Or(l.window, "window"), out: bufio.NewWriter(w)}
	for _, s := range l.Steps {
		if s.Record != nil {
			p.width = min(widest, max(p.width, len([]rune(p.event(s.Record)))))
			p.place = max(p.place, len(position(s.Record.Split, s.Record.Offset)))
		}
	}
	p.head(l)
	for _, s := range l.Steps {
		p.step(s)
	}
	p.results(l)
	return p.out.Flush()
}

type printer[E, O any] struct {
	Text[E, O]
	window       string
	out          *bufio.Writer
	width, place int
}

func (p *printer[E, O]) line(format string, args ...any) {
	fmt.Fprintf(p.out, format+"\n", args...)
}

func (p *printer[E, O]) in(colour, text string) string {
	if !p.Colour || colour == plain {
		return text
	}
	return colour + text + reset
}

func (p *printer[E, O]) head(l *Life[E, O]) {
	records, splits := 0, []string{}
	for _, s := range l.Steps {
		if s.Record != nil {
			records++
		}
	}
	for _, s := range l.Splits {
		splits = append(splits, s.Split)
	}
	emitted, open := 0, 0
	for _, w := range l.Windows {
		if w.Open {
			open++
		} else {
			emitted++
		}
	}
	p.line("%s: %s in %s; %s, %d open; %d late", p.in(bold, l.Key), count(int64(records), "record"), strings.Join(splits, ", "), count(int64(emitted), p.window), open, l.Late)
	p.line("Times are UTC. The watermark is that of the record's partition, just before it.\n")
}

func (p *printer[E, O]) event(r *Record[E]) string {
	if r.Err != "" {
		return "(not decodable)"
	}
	return p.Event(r.Value)
}

func (p *printer[E, O]) step(s Step[E, O]) {
	if r := s.Record; r != nil {
		mark := "watermark " + clock(r.Watermark, r.Timestamp)
		if r.Unseen {
			mark = "not given to the " + p.window + "s"
		}
		text := p.event(r)
		p.line("%s  %s%s  %-*s  %s", p.in(bold, stamp(r.Timestamp)), text, strings.Repeat(" ", max(0, p.width-len([]rune(text)))), p.place, position(r.Split, r.Offset), p.in(dim, mark))
		if r.Err != "" {
			p.line("    %s", p.in(red, r.Err))
		}
	} else {
		d := &s.Decisions[0]
		p.line("%s  %s", p.in(dim, stamp(d.Watermark)), p.in(dim, "the watermark gets here"+by(d)))
	}
	for _, d := range s.Decisions {
		colour, text := p.decision(&d)
		p.line("    %s", p.in(colour, text))
		for _, row := range d.Rows {
			p.line("      %s", p.Row(row))
		}
	}
}

// decision is a decision in words.
func (p *printer[E, O]) decision(d *Decision[O]) (colour, text string) {
	w := p.window + " " + spell(d.Window)
	switch d.kind {
	case stream.TraceOpened:
		return plain, "opens the " + w
	case stream.TraceAdded:
		if d.Before[0] == d.Window {
			return plain, fmt.Sprintf("joins the %s, now of %s", w, count(d.Records, "record"))
		}
		return plain, fmt.Sprintf("extends the %s to %s, now of %s", p.window, spell(d.Window), count(d.Records, "record"))
	case stream.TraceMerged:
		var all []string
		for _, b := range d.Before {
			all = append(all, spell(b))
		}
		return yellow, fmt.Sprintf("joins the %ss %s to one, %s, of %s", p.window, strings.Join(all, " and "), spell(d.Window), count(d.Records, "record"))
	case stream.TraceLate:
		return red, d.Reason
	case stream.TraceFired:
		when := "emits the "
		if d.Late {
			when = "too late for the first result: emits again the "
		}
		text = fmt.Sprintf("%s%s of %s", when, w, count(d.Records, "record"))
		if d.Partial {
			text += "; records of it may lie before the place where reading began"
		}
		return green, text
	case stream.TraceRetracted:
		return yellow, "takes back the result of the " + w
	case stream.TraceRemoved:
		return plain, "closes the " + w + ": it takes nothing any more"
	case stream.TraceUndecodable:
		return red, "not decodable: it was passed over"
	case stream.TraceQuarantined:
		return red, "quarantined: " + d.Reason
	}
	return plain, d.Kind + " " + w
}

func (p *printer[E, O]) results(l *Life[E, O]) {
	p.line("\n%s", p.in(bold, strings.ToUpper(p.window[:1])+p.window[1:]+"s emitted"))
	none := true
	for _, w := range l.Windows {
		if w.Open {
			continue
		}
		none = false
		text := fmt.Sprintf("%s, %s", spell(w.Window), count(w.Records, "record"))
		if w.Provisional {
			text += "; a later record has joined it to one that is still open, which will replace it"
		}
		p.line("  %s", p.in(green, text))
		for _, row := range w.Rows {
			p.line("    %s", p.Row(row))
		}
	}
	if none {
		p.line("  none")
	}
	for _, w := range l.Windows {
		if w.Open {
			p.open(w)
		}
	}
}

// open says what an open window has and what it waits for.
func (p *printer[E, O]) open(w Result[O]) {
	p.line("\n%s", p.in(bold, fmt.Sprintf("Open: %s %s, %s", p.window, spell(w.Window), count(w.Records, "record"))))
	for _, row := range w.Rows {
		p.line("    so far: %s", p.Row(row))
	}
	p.line("  It is emitted when the watermark is %s.", stamp(w.Waits.For))
	for _, s := range w.Waits.HeldBy {
		if s.Watermark == watermark.Min {
			p.line("  %s holds it: no record of it has moved event time, up to its end at offset %d.", s.Split, s.Offset)
		} else {
			p.line("  %s holds it: its watermark is %s, %s short, at its end, offset %d.", s.Split, stamp(s.Watermark), span(w.Waits.For-s.Watermark), s.Offset)
		}
	}
	switch {
	case len(w.Waits.HeldBy) == 0:
	case p.Bound >= 0:
		p.line("  Released by any record of %s with a time of %s or later.", holders(w.Waits.HeldBy), stamp(w.Waits.For+p.Bound.Milliseconds()+1))
	default:
		p.line("  Released by records of %s that take the watermark there.", holders(w.Waits.HeldBy))
	}
}

func holders(splits []SplitEnd) string {
	var names []string
	for _, s := range splits {
		names = append(names, s.Split)
	}
	if len(names) == 1 {
		return names[0]
	}
	return "each of " + strings.Join(names, ", ")
}

func by[O any](d *Decision[O]) string {
	switch {
	case d.Split == "":
		return ""
	case d.Offset < 0:
		return ", by " + d.Split
	}
	return ", by " + position(d.Split, d.Offset)
}

func position(split string, offset int64) string { return fmt.Sprintf("%s:%d", split, offset) }

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// clock is a time beside another one: without the day where that is the same.
func clock(ms, beside int64) string {
	full, other := stamp(ms), stamp(beside)
	if len(full) == len(other) && full[:11] == other[:11] {
		return full[11:]
	}
	return full
}
