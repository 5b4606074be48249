// Command alerts says which carts nobody checked out within half an hour. It reads JSON Lines of actions, and shows a function of one's own with state and
// timers:
//
//	go run ./examples/alerts examples/alerts/sample.jsonl
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

func main() {
	job := stream.NewJob("alerts")
	watchCarts(job, file.JSONLines(codec.JSON[Action](1), os.Args[1:]...), print.Lines(Alert.String))
	if err := job.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// Action is what a user did.
type Action struct {
	User string    `json:"user"`
	Kind string    `json:"kind"` // add, checkout or anything else
	At   time.Time `json:"at"`
}

// Alert is a cart that was left.
type Alert struct {
	User  string
	Since time.Time // when the first item was added
	Items int
}

func (a Alert) String() string {
	return fmt.Sprintf("%s left a cart of %d since %s", a.User, a.Items, a.Since.UTC().Format(time.RFC3339))
}

func watchCarts(job *stream.Job, actions source.Source[Action], to sink.Sink[Alert]) {
	events := stream.From(job, "actions", actions, watermark.BoundedOutOfOrderness(time.Minute, func(a Action) time.Time { return a.At }))
	byUser := stream.KeyBy(events, func(a Action) string { return a.User })
	alerts := stream.Process(byUser, "cart-watch", stream.PerTask(func() *CartWatch { return &CartWatch{Patience: 30 * time.Minute} }))
	stream.To(alerts, "alerts", to)
}
