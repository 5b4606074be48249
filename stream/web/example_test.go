package web_test

import (
	"context"
	"log"
	"path/filepath"

	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/progress"
	"github.com/millrace/millrace/stream/web"
)

// A job is watched, and has a page while it runs.
func Example() {
	var (
		ctx     = context.Background()
		limiter = limit.New(limit.Rate{})
		job     = numbersJob(nil, 1000, stream.RateLimit(limiter))
		dir     = "history"
	)
	recorder := progress.New("replay v2", job, progress.File(filepath.Join(dir, "replay-v2.jsonl")))
	server, err := web.Listen(":8081", web.Page{
		Jobs:  []web.Job{{Recorder: recorder, Job: job, Limit: limiter}},
		Files: []string{filepath.Join(dir, "*.jsonl")},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	err = recorder.Run(ctx)
	stop()
	if e := <-served; err != nil || e != nil {
		log.Fatal(err, e)
	}
}
