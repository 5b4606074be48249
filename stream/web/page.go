package web

import (
	"time"

	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
)

// Page is what is served. Its fields are not changed while it is.
type Page struct {
	Title string // "" is the name of the first job
	Jobs  []Job  // their Recorders have different names
	// Files are histories that other processes write, to be drawn beside the jobs; a pattern such as "data/history/*.jsonl" names several. Histories with the
	// name of a job are left out. A file that cannot be read is not drawn.
	Files []string
	// Hosts are names by which the server may be called beside loopback addresses, for instance that of a proxy on the same machine.
	Hosts []string
}

// Job is a job on the page.
type Job struct {
	Recorder *progress.Recorder
	Job      Graph          // a *stream.Job; nil leaves its graph out
	Limit    *limit.Limiter // the job's, to be seen and changed on the page; nil where there is none
	// States lets whoever sees the page look up what the job keeps of a key: the *stream.Job or *replay.Replay itself. Nil lets nobody.
	States States
	// Codecs show values in place of encoding/json, by the ID of their codec; nil for none.
	Codecs inspect.Codecs
	// Follows says that the job is ready only when it has caught up with its log: when at most ReadyLag positions are unread, 10,000 for 0.
	Follows  bool
	ReadyLag int64
	// StalledAfter is how long nothing may move, although there is something to read, before the job does not count as alive; 2 minutes for 0.
	StalledAfter time.Duration
}

// Graph is what the page asks of a job's graph.
type Graph interface {
	Graph() ([]stream.Operator, error)
	Plan() (string, error)
}

const (
	defaultReadyLag     = 10_000
	defaultStalledAfter = 2 * time.Minute
)

// title is what the page is called.
func (p *Page) title() string {
	switch {
	case p.Title != "":
		return p.Title
	case len(p.Jobs) > 0:
		return p.Jobs[0].Recorder.Name()
	}
	return "Millrace"
}
