// Command clickstream computes the sessions of a shop's visitors from their clicks in Kafka, and keeps them in a table, with the rate of abandoned carts by the
// hour beside it.
//
// Without arguments it shows itself: it starts a broker inside the program, publishes a sample, runs the job and prints what came out. The other commands are
// the parts of that for real use; see clickstream --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long after a Ctrl-C another one still means the same: some senders signal twice. A later one ends the program at once.
const grace = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, stop) })
	if err := newRoot().ExecuteContext(ctx); err != nil {
		code := 1
		var coded *exitError
		if errors.As(err, &coded) {
			code = coded.code
		}
		if err.Error() != "" {
			fmt.Fprintln(os.Stderr, "clickstream:", redact(err.Error()))
		}
		os.Exit(code)
	}
}
