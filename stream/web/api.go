package web

import (
	"encoding/json"
	"math"
	"net/http"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/progress/chart"
)

// mostSpans is how many points of each line the page gets.
const mostSpans = 600

// statusAnswer is what /api/status says.
type statusAnswer struct {
	Title string      `json:"title"`
	At    time.Time   `json:"at"`
	Jobs  []jobAnswer `json:"jobs"`
}

type ledgerAnswer struct {
	Operator   string           `json:"operator"`
	Split      string           `json:"split"`
	Counts     map[string]int64 `json:"counts"`
	Difference int64            `json:"difference"` // 0 where all is accounted for
}

func ledgerOf(l stream.Ledger) []ledgerAnswer {
	out := []ledgerAnswer{}
	for _, e := range l {
		a := ledgerAnswer{e.Operator, e.Split, map[string]int64{}, e.Difference()}
		for _, n := range e.Named() {
			a.Counts[n.Name] = n.Count
		}
		out = append(out, a)
	}
	return out
}

type jobAnswer struct {
	progress.Now
	Limit *limitAnswer      `json:"limit,omitempty"`
	Graph []stream.Operator `json:"graph,omitempty"`
	Plan  string            `json:"plan,omitempty"`
	// Ledger is what became of the records of each split, as of the last checkpoint, by class.
	Ledger []ledgerAnswer `json:"ledger"`
	Alive  string         `json:"alive"` // in words
	Ready  string         `json:"ready"`
}

func (p *Page) status(w http.ResponseWriter, _ *http.Request) {
	now := clock.Real{}.Now()
	out := statusAnswer{Title: p.title(), At: now, Jobs: []jobAnswer{}}
	for i := range p.Jobs {
		j := &p.Jobs[i]
		n := j.Recorder.Now()
		a := jobAnswer{Now: n, Alive: j.alive(n, now).why, Ready: j.ready(n).why, Ledger: ledgerOf(j.Recorder.Job().Status().Ledger)}
		if j.Limit != nil {
			l := limitOf(j.Limit)
			a.Limit = &l
		}
		if j.Job != nil { // a job that does not build says so when it is run
			a.Graph, _ = j.Job.Graph()
			a.Plan, _ = j.Job.Plan()
		}
		out.Jobs = append(out.Jobs, a)
	}
	reply(w, out)
}

// line is a job's rates over time, column by column. Times are Unix seconds; null is what is not known.
type line struct {
	Name    string          `json:"name"`
	Here    bool            `json:"here"` // a job of this process
	Begin   float64         `json:"begin"`
	T       []float64       `json:"t"`
	Events  []*float64      `json:"events"`
	Rows    []*float64      `json:"rows"`
	Live    []*float64      `json:"live"`
	Lag     []*float64      `json:"lag"`
	Busy    []*float64      `json:"busy"`
	Idle    []*float64      `json:"idle"`
	Blocked []*float64      `json:"blocked"`
	Paused  []*float64      `json:"paused"`
	Latency []*float64      `json:"latency"`
	Marks   []progress.Mark `json:"marks"`
}

func (p *Page) history(w http.ResponseWriter, _ *http.Request) {
	out := []line{}
	for i, h := range p.histories() {
		if l := lineOf(h); len(l.T) > 0 {
			l.Here = i < len(p.Jobs)
			out = append(out, l)
		}
	}
	reply(w, out)
}

// histories are those of the jobs, in their order, then those of the files.
func (p *Page) histories() (out []progress.History) {
	taken := map[string]bool{}
	for _, j := range p.Jobs {
		out = append(out, j.Recorder.History().LastRun())
		taken[j.Recorder.Name()] = true
	}
	for _, pattern := range p.Files {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, path := range paths {
			h, err := progress.Load(path)
			if err == nil && len(h.Points) > 0 && !taken[h.Name] {
				taken[h.Name] = true
				out = append(out, h.LastRun())
			}
		}
	}
	return out
}

func lineOf(h progress.History) line {
	l := line{Name: h.Name, Begin: float64(h.Begin().UnixMilli()) / 1000, Marks: h.Marks}
	for i, r := range h.Rates(max(time.Second, h.End().Sub(h.Begin())/mostSpans)) {
		switch i {
		case 0: // the zero that a run begins with
			continue
		case 1: // what it was at the end of the first span it was from the beginning
			l.add(r, h.Begin())
		}
		l.add(r, r.At)
	}
	return l
}

// add appends a rate at a time.
func (l *line) add(r progress.Rate, at time.Time) {
	l.T = append(l.T, float64(at.UnixMilli())/1000)
	known := func(v float64, known bool) *float64 {
		if !known {
			return nil
		}
		v = math.Round(v*1000) / 1000
		return &v
	}
	timed := r.Busy+r.Idle+r.Blocked+r.Paused > 0
	l.Events = append(l.Events, known(r.Events, !r.Gap))
	l.Rows = append(l.Rows, known(r.Rows, !r.Gap))
	l.Live = append(l.Live, known(r.Live, r.Live > 0))
	l.Lag = append(l.Lag, known(float64(r.Lag), r.Lag >= 0))
	l.Busy = append(l.Busy, known(r.Busy, timed))
	l.Idle = append(l.Idle, known(r.Idle, timed))
	l.Blocked = append(l.Blocked, known(r.Blocked, timed))
	l.Paused = append(l.Paused, known(r.Paused, timed))
	l.Latency = append(l.Latency, known(r.Latency, r.Latency > 0))
}

// draw serves the chart.
func (p *Page) draw(format, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		if err := chart.Write(w, format, chart.Options{}, p.histories()...); err != nil {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			http.Error(w, err.Error(), http.StatusNotFound)
		}
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // it is no page
	_ = e.Encode(v)        // whoever asked may have gone
}
