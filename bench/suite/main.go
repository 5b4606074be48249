// Command suite measures Millrace beside its peers on this machine, and makes docs/benchmarks.md of what it measured.
//
//	go run ./bench/suite list
//	go run ./bench/suite run [PART...]
//	go run ./bench/suite report
//
// A part is one comparison: variants of one job, run in turn several times, each answer checked. What was measured is kept, a line for each run, and a part goes
// on where it was interrupted. See bench/README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "suite", Short: "Measures Millrace beside Apache Flink, Kafka Streams and a loop written by hand",
		SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(listCommand(), runCommand(), reportCommand(), workerCommand(), largeCommand(), restartCommand(), skewCommand(), controlCommand())
	return root
}
