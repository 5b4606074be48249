package stream_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink/memory"
	sourcememory "github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// The session of a user is looked at while it is open.
func ExampleQueryKey() {
	log := sourcememory.NewLive[click](1)
	job := newExample()
	byUser := stream.KeyBy(stream.From(job, "clicks", log.WithCodec(codec.JSON[click](1)), inOrder()), clickUser)
	sessions := stream.Window(byUser, window.EventTimeSession(30*time.Minute))
	stream.To(stream.Process(sessions, "sessions", summarize{}), "visits", &memory.List[visit]{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- job.Run(ctx) }()
	if err := log.Append(0, click{"ada", "/", 60}, click{"ada", "/cart", 90}); err != nil {
		fmt.Println(err)
	}

	open := openSession(ctx, job, "ada")
	for open == nil || open.Records < 2 { // the clicks have not come yet
		open = openSession(ctx, job, "ada")
	}
	fmt.Println(open.Start, "to", open.End, open.Contents)
	stop()
	fmt.Println(<-ended)
	_, err := stream.QueryKey(context.Background(), job, "sessions", "ada")
	fmt.Println(err)
	// Output:
	// 60000 to 1890000 [{ada / 60} {ada /cart 90}]
	// <nil>
	// query of job "example": operator "sessions", key "ada": the job is not running
}

// openSession is the session that a user has open, nil for none.
func openSession(ctx context.Context, job *stream.Job, user string) *stream.OpenWindow[[]click] {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	key, err := stream.QueryKey(ctx, job, "sessions", user)
	if err != nil {
		return nil // the job is not running, or starts again
	}
	windows, err := stream.WindowsOf[[]click](key)
	if err != nil || len(windows) == 0 {
		return nil
	}
	return &windows[0]
}
