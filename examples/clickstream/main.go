// Command clickstream computes the sessions of a shop's visitors from their clicks in Kafka, and keeps them in a table, with the rate of abandoned carts by the
// hour beside it.
//
// Without arguments it shows itself: it starts a broker inside the program, publishes a sample, runs the job and prints what came out. The other commands are
// the parts of that for real use; see clickstream --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "clickstream:", redact(err.Error()))
		os.Exit(1)
	}
}
