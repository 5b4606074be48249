package web

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/millrace/millrace/source/limit"
)

// limitAnswer is a rate limit on the page. Rates are per second, 0 for none.
type limitAnswer struct {
	Events   float64   `json:"events"` // set by somebody
	Bytes    float64   `json:"bytes"`
	Present  float64   `json:"present"` // events per second that hold now: slow sinks may lower them
	Adaptive bool      `json:"adaptive"`
	Why      string    `json:"why"` // of an adaptive one, in words
	Since    time.Time `json:"since,omitzero"`
	Latency  float64   `json:"latency"` // milliseconds of a write, as an adaptive one saw them
}

func limitOf(l *limit.Limiter) limitAnswer {
	s := l.State()
	return limitAnswer{s.Wanted.Events, s.Wanted.Bytes, s.Events, s.Adaptive, string(s.Reason), s.Since, s.Latency.Seconds() * 1000}
}

// limitRequest is what /api/limit takes.
type limitRequest struct {
	Job    string  `json:"job"`
	Events float64 `json:"events"`
	Bytes  float64 `json:"bytes"`
}

func (p *Page) setLimit(w http.ResponseWriter, r *http.Request) {
	var q limitRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		http.Error(w, "want JSON such as {\"job\": \"replay\", \"events\": 5000, \"bytes\": 0}: "+err.Error(), http.StatusBadRequest)
		return
	}
	if q.Events < 0 || q.Bytes < 0 {
		http.Error(w, "a rate is 0, for no limit, or above", http.StatusBadRequest)
		return
	}
	for _, j := range p.Jobs {
		if j.Recorder.Name() == q.Job && j.Limit != nil {
			j.Limit.Set(limit.Rate{Events: q.Events, Bytes: q.Bytes})
			j.Recorder.Note(inWords(q))
			reply(w, limitOf(j.Limit))
			return
		}
	}
	http.Error(w, "no job of that name has a rate limit", http.StatusNotFound)
}

// inWords says what somebody set.
func inWords(q limitRequest) string {
	events, size := humanize.Commaf(math.Round(10*q.Events)/10)+" events/s", humanize.Bytes(uint64(q.Bytes))+"/s"
	switch {
	case q.Events > 0 && q.Bytes > 0:
		return "limit " + events + ", " + size
	case q.Events > 0:
		return "limit " + events
	case q.Bytes > 0:
		return "limit " + size
	}
	return "limit off"
}
