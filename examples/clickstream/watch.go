package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/web"
)

// historyDir is where, below the directory of the data, each group keeps what its job's throughput was.
const historyDir = "history"

// sampleEvery is fine enough for a chart of a job of some seconds.
const sampleEvery = 200 * time.Millisecond

// watching is how a job is watched: the flags that commands which run a job share.
type watching struct {
	name  string // of the history and on the page; "" keeps no history
	every time.Duration
	http  string
	keep  bool
	// follows says that the job is ready when it has caught up.
	follows bool
	limit   *limit.Limiter // the job's; nil without
}

func (w *watching) flags(f *pflag.FlagSet) {
	f.DurationVar(&w.every, "progress-every", 0, "time between progress lines (default 1s, on a terminal 50ms)")
	f.StringVar(&w.http, "http", "", "serve a page with the job's progress, and /metrics, /healthz and /readyz, on this address: "+
		":8081 is 127.0.0.1:8081, for this machine only; others can reach it only if told so, by 0.0.0.0:8081. Nobody is asked for a password")
	f.BoolVar(&w.keep, "http-keep", false, "with --http, keep the page after the job's end, until Ctrl-C")
}

// of names who is watched.
func (w watching) of(name string) watching {
	w.name = name
	return w
}

// watchable is a job, or a replay.
type watchable interface {
	progress.Job
	web.Graph
	web.States
	StateStats() stream.StateStats
}

// watched is a job with its recorder and, with --http, its page.
type watched struct {
	watching
	program  *program
	job      watchable
	recorder *progress.Recorder
	server   *web.Server // nil without --http
	stop     context.CancelFunc
	served   chan error
}

// watch prepares to follow a job. Close ends the page.
func (p *program) watch(job watchable, w watching) (*watched, error) {
	history := filepath.Join(p.data, historyDir)
	out := &watched{watching: w, program: p, job: job}
	interval := sampleEvery
	if w.every > 0 {
		interval = min(interval, w.every) // a line says no more than the last sample
	}
	options := []progress.Option{progress.Interval(interval)}
	if w.name != "" {
		options = append(options, progress.File(filepath.Join(history, w.name+".jsonl")))
	}
	out.recorder = progress.New(w.name, job, options...)
	if w.http == "" {
		return out, nil
	}
	server, err := web.Listen(w.http, web.Page{
		Title: "clickstream: " + w.name, Files: []string{filepath.Join(history, "*.jsonl")},
		Jobs: []web.Job{{Recorder: out.recorder, Job: job, Limit: w.limit, Follows: w.follows, States: job, Codecs: stateCodecs}},
	})
	if err != nil {
		return nil, err
	}
	out.server = server
	ctx, stop := context.WithCancel(context.Background())
	out.stop, out.served = stop, make(chan error, 1)
	go func() { out.served <- server.Serve(ctx) }()
	p.say("Progress is on %s", server.URL())
	return out, nil
}

// hold keeps the page until ctx is done, if it is to be kept.
func (w *watched) hold(ctx context.Context) {
	if w.server == nil || !w.keep || ctx.Err() != nil {
		return
	}
	w.program.say("The page stays on %s until Ctrl-C.", w.server.URL())
	<-ctx.Done()
}

// Close ends the page.
func (w *watched) Close() error {
	if w.server == nil {
		return nil
	}
	w.stop()
	return <-w.served
}
