package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/millrace/millrace/examples/clickstream/internal/screen"
	"github.com/millrace/millrace/examples/clickstream/internal/target"
)

// summarize tells what a run came to.
func (p *program) summarize(ctx context.Context, r result) error {
	if r.finished() {
		p.say("Group %s is finished: it had read the topic to the end before, and nothing was published since.\nThe sessions are in %s. To compute them again use another --version.",
			r.settings.group, r.settings.sessions)
		return nil
	}
	t := newSummary()
	t.section("This run")
	t.row("events", "%s in %s (%s)", humanize.Comma(r.events), r.took.Round(time.Millisecond), screen.Rate(r.events, r.took))
	t.row("sessions", "%s", humanize.Comma(r.sessions))
	t.row("late events", "%s", humanize.Comma(r.late))
	if r.partial > 0 {
		t.row("cut off", "%s sessions may have begun before the place where reading began", humanize.Comma(r.partial))
	}
	if r.skewed > 0 {
		t.row("quarantined", "%s events more than a day later than their record's timestamp", humanize.Comma(r.skewed))
	}
	t.row("state", "%s keys left memory for the disk, %s read back from there", humanize.Comma(r.state.Evictions), humanize.Comma(r.state.Reads))
	t.row("ledger", "%s", ledgerText(r.ledger.Total()))
	if r.settings.sessions.Kind == "sqlite" {
		facts, err := readFacts(ctx, r.settings.sessions)
		if err != nil {
			return err
		}
		t.facts(facts, r.settings.sessions)
	}
	t.section("Results")
	if r.readers != "" {
		t.row("version", "%s; readers of %s see %s", r.settings.version, r.settings.sessions.Reader, r.readers)
	}
	t.row("sessions", "%s", r.settings.place(r.settings.sessions, r.stopped))
	t.row("by the hour", "%s", r.settings.place(r.settings.metrics, r.stopped))
	if r.settings.late.Kind != "" {
		t.row("late events", "%s", r.settings.place(r.settings.late, r.stopped))
	}
	p.say("\n%s", t.render())
	if open := r.stopped || r.settings.noDrain; open {
		p.say("\nSessions still open are kept in %s.", r.settings.stateDir)
	}
	if r.stopped {
		p.say("Stopped in order. To go on where it was:\n  %s", again())
	}
	return nil
}

// place is where rows are; a file shows its name when the job has ended.
func (s settings) place(t target.Target, stopped bool) string {
	if hidden := t.Hidden(); hidden != "" && (stopped || s.noDrain) {
		return hidden + " (becomes " + t.Path + " when the job ends)"
	}
	return t.String()
}

// summary is a table of names and values, in sections.
type summary struct{ w table.Writer }

func newSummary() summary {
	w := table.NewWriter()
	style := table.StyleRounded
	style.Options.SeparateColumns = false
	w.SetStyle(style)
	return summary{w}
}

func (s summary) section(title string) {
	s.w.AppendSeparator()
	s.w.AppendRow(table.Row{title, ""})
}

func (s summary) row(name, format string, args ...any) {
	s.w.AppendRow(table.Row{"  " + name, fmt.Sprintf(format, args...)})
}

func (s summary) facts(f facts, t target.Target) {
	s.section("All in " + t.Table())
	s.row("sessions", "%s of %s users", humanize.Comma(f.sessions), humanize.Comma(f.users))
	s.row("duration", "mean %s, median %s", seconds(f.meanMs), seconds(f.medianMs))
	s.row("cart abandonment", "%.2f %% (%s of %s sessions with a cart)", f.abandonment(), humanize.Comma(f.abandoned), humanize.Comma(f.withCart))
}

func (s summary) render() string { return s.w.Render() }

func seconds(ms float64) string {
	return time.Duration(ms * float64(time.Millisecond)).Round(10 * time.Millisecond).String()
}
