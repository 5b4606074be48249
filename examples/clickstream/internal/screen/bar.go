package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
)

const barWidth = 30

var theme = progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: " ", BarEnd: " "}

// Bar is one progress line. Its methods are for one goroutine.
type Bar struct {
	screen *Screen
	what   string
	bar    *progressbar.ProgressBar // made by the first Set, where there is a terminal
	begun  time.Time
	first  int64  // where it stood at the first Set
	last   string // line printed last
}

// Progress is how far something has come.
type Progress struct {
	Done, Total int64 // Total is 0 where there is no end
	Events      int64 // done since the Bar began, for the rate
}

// Begin shows a progress line, until Done. A Screen shows one at a time.
func (s *Screen) Begin(what string) *Bar {
	b := &Bar{screen: s, what: what, begun: time.Now(), first: -1}
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
	text := b.text(p, time.Since(b.begun))
	b.screen.mu.Lock()
	defer b.screen.mu.Unlock()
	if !b.screen.terminal {
		if line := b.line(p, text); line != b.last { // standing still is not news
			fmt.Fprintln(b.screen.out, line)
			b.last = line
		}
		return
	}
	if b.bar == nil {
		b.bar = b.draw(p.Total)
	}
	b.bar.Describe(b.what)
	_ = b.bar.Set64(p.Done)
	fmt.Fprintf(b.screen.out, "  %s\x1b[K", text)
}

// Done shows where it ended, and leaves that on the screen.
func (b *Bar) Done(p Progress) {
	b.Set(p)
	b.screen.mu.Lock()
	defer b.screen.mu.Unlock()
	b.screen.bar = nil
	if b.screen.terminal {
		fmt.Fprintln(b.screen.out)
	}
}

func (b *Bar) draw(total int64) *progressbar.ProgressBar {
	opts := []progressbar.Option{
		progressbar.OptionSetWriter(b.screen.out), progressbar.OptionSetWidth(barWidth), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false), progressbar.OptionUseANSICodes(true), progressbar.OptionSetTheme(theme),
	}
	if total <= 0 {
		return progressbar.NewOptions64(-1, opts...)
	}
	return progressbar.NewOptions64(total, opts...)
}

// text is the speed and the time that is left.
func (b *Bar) text(p Progress, took time.Duration) string {
	var parts []string
	if p.Events > 0 {
		parts = append(parts, Rate(p.Events, took))
	}
	if gone := p.Done - b.first; p.Total > p.Done && gone > 0 {
		left := time.Duration(float64(took) / float64(gone) * float64(p.Total-p.Done))
		parts = append(parts, left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

func (b *Bar) line(p Progress, text string) string {
	where := humanize.Comma(p.Done)
	if p.Total > 0 {
		where = fmt.Sprintf("%d %% (%s of %s)", 100*p.Done/p.Total, where, humanize.Comma(p.Total))
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %s, %s", b.what, where, text), ", ")
}

// Rate is a speed in words.
func Rate(events int64, took time.Duration) string {
	return humanize.Comma(int64(float64(events)/max(took.Seconds(), 1e-6))) + " events/s"
}
