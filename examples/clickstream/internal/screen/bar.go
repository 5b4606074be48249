package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

const barWidth = 30

// Bar is one progress line. Its methods are for one goroutine.
type Bar struct {
	screen *Screen
	what   string
	begun  time.Time
	first  int64  // where it stood at the first Set; -1 before
	shown  int64  // what the last plain line said
	last   string // the last bar
	recent sample // a moment ago, for the rate of what has no end
}

// sample is how many events there were at a time.
type sample struct {
	at     time.Time
	events int64
}

// Progress is how far something has come.
type Progress struct {
	Done, Total int64 // Total is 0 where there is no end
	Events      int64 // done since the Bar began, for the rate
	Note        string
	Speed       string // in words, where somebody else measures it; "" is the Bar's own measure
}

// Begin shows a progress line, until Done. A Screen shows one at a time.
func (s *Screen) Begin(what string) *Bar {
	now := time.Now()
	b := &Bar{screen: s, what: what, begun: now, first: -1, shown: -1, recent: sample{at: now}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = b
	return b
}

// Set shows progress.
func (b *Bar) Set(p Progress) {
	if b.first < 0 {
		b.first = p.Done
	}
	speed := b.speed(p, time.Now())
	b.screen.mu.Lock()
	defer b.screen.mu.Unlock()
	if b.screen.terminal {
		b.last = b.bar(p, speed)
		b.draw()
		return
	}
	if p.Done != b.shown { // standing still is not news
		fmt.Fprintln(b.screen.out, b.line(p, speed))
		b.shown = p.Done
	}
}

// Done shows where it ended, and leaves that on the screen.
func (b *Bar) Done(p Progress) {
	if p.Speed != "" { // which has become that of the whole
		b.shown = -1
	}
	b.Set(p)
	b.screen.mu.Lock()
	defer b.screen.mu.Unlock()
	b.screen.bar = nil
	if b.screen.terminal {
		fmt.Fprintln(b.screen.out)
	}
}

// draw shows the bar on the line the cursor is on. The caller holds the screen's lock.
func (b *Bar) draw() { fmt.Fprint(b.screen.out, "\r", b.screen.fit(b.last), clearRest) }

func (b *Bar) bar(p Progress, speed string) string {
	if p.Total <= 0 {
		return fmt.Sprintf("%s  %s  %s", b.what, humanize.Comma(p.Done), speed)
	}
	full := int(barWidth * p.Done / p.Total)
	return fmt.Sprintf("%s  %s%s %3d %%  %s", b.what, strings.Repeat("█", full), strings.Repeat("░", barWidth-full), 100*p.Done/p.Total, speed)
}

func (b *Bar) line(p Progress, speed string) string {
	where := humanize.Comma(p.Done)
	if p.Total > 0 {
		where = fmt.Sprintf("%d %% (%s of %s)", 100*p.Done/p.Total, where, humanize.Comma(p.Total))
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %s, %s", b.what, where, speed), ", ")
}

// recently is the span that the rate of something without an end is taken over, at least.
const recently = time.Second

// speed is the rate, the time that is left at that rate, and the note.
func (b *Bar) speed(p Progress, now time.Time) string {
	if p.Speed != "" {
		return p.Speed
	}
	took := now.Sub(b.begun)
	var parts []string
	switch {
	case p.Total > 0 && p.Events > 0:
		parts = append(parts, Rate(p.Events, took))
	case p.Total == 0:
		parts = append(parts, Rate(p.Events-b.recent.events, now.Sub(b.recent.at)))
		if now.Sub(b.recent.at) >= 2*recently {
			b.recent = sample{now.Add(-recently), p.Events - (p.Events-b.recent.events)/2}
		}
	}
	if gone := p.Done - b.first; p.Total > p.Done && gone > 0 {
		left := time.Duration(float64(took) / float64(gone) * float64(p.Total-p.Done))
		parts = append(parts, left.Round(time.Second).String()+" left")
	}
	if p.Note != "" {
		parts = append(parts, p.Note)
	}
	return strings.Join(parts, ", ")
}

// Rate is a speed in words.
func Rate(events int64, took time.Duration) string {
	return humanize.Comma(int64(float64(events)/max(took.Seconds(), 1e-6))) + " events/s"
}
