package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/millrace/millrace/stream/progress"
)

// check is an answer of /healthz or /readyz about one job.
type check struct {
	ok  bool
	why string
}

// alive tells whether restarting the process could help a job, and why.
func (j *Job) alive(n progress.Now, now time.Time) check {
	after := j.StalledAfter
	if after <= 0 {
		after = defaultStalledAfter
	}
	switch {
	case n.State == progress.Broken:
		return check{false, "failed: " + n.Error}
	case n.State != progress.Running:
		return check{true, string(n.State)}
	case now.Sub(n.Moved) > after:
		return check{false, fmt.Sprintf("nothing has moved for %s although there is something to read: %s", now.Sub(n.Moved).Round(time.Second), stuck(n))}
	case n.CaughtUp:
		return check{true, "running, has read all there is"}
	}
	return check{true, "running, moved " + now.Sub(n.Moved).Round(time.Second).String() + " ago"}
}

// stuck names the splits that have something to read.
func stuck(n progress.Now) string {
	var names []string
	for _, s := range n.Splits {
		if s.State == "reading" || s.State == "paused" || s.State == "limited" {
			names = append(names, fmt.Sprintf("%s at %d (%s)", s.ID, s.Position, s.State))
		}
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

// ready tells whether a job does what it is there for, and why.
func (j *Job) ready(n progress.Now) check {
	bound := j.ReadyLag
	if bound <= 0 {
		bound = defaultReadyLag
	}
	switch {
	case n.State == progress.Finished:
		return check{true, "finished"}
	case n.State == progress.Broken:
		return check{false, "failed: " + n.Error}
	case n.State != progress.Running:
		return check{false, string(n.State)}
	case len(n.Splits) == 0:
		return check{false, "starting: it has not found its input yet"}
	case !j.Follows:
		return check{true, "running"}
	case n.Lag < 0 && !n.CaughtUp:
		return check{false, "catching up, and does not know yet how far the log goes"}
	case n.Lag > bound && !n.CaughtUp:
		return check{false, fmt.Sprintf("catching up: %s positions to read, the bound is %s", humanize.Comma(n.Lag), humanize.Comma(bound))}
	}
	return check{true, "running, caught up"}
}

// answer writes one line for each job, with 503 if one is not well.
func (p *Page) answer(w http.ResponseWriter, of func(*Job, progress.Now) check) {
	var b strings.Builder
	code := http.StatusOK
	for i := range p.Jobs {
		j := &p.Jobs[i]
		c := of(j, j.Recorder.Now())
		word := "ok"
		if !c.ok {
			code, word = http.StatusServiceUnavailable, "not ok"
		}
		fmt.Fprintf(&b, "%s: %s: %s\n", word, j.Recorder.Name(), c.why)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(b.String())) // whoever asked may have gone
}
