package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/examples/clickstream/internal/screen"
)

const (
	defaultTopic      = "raw-clickstream-events"
	defaultPartitions = 4
)

// program is what all commands share.
type program struct {
	data     string   // directory of everything that is kept
	brokers  []string // of a real cluster; empty for the embedded broker
	security security
	topic    string
	logLevel string
	registry registryOptions
	screen   *screen.Screen // messages and progress: standard error
	out      io.Writer      // results: standard output
}

func newRoot() *cobra.Command {
	p := &program{}
	root := &cobra.Command{
		Use:   "clickstream",
		Short: "Sessions, cart abandonment and late clicks from a stream of click events",
		Long: `clickstream turns the clicks of a shop's visitors, in a Kafka topic, into sessions in a table,
and computes the rate of abandoned carts by the hour.

Without a command it runs the demo: it needs nothing but itself.`,
		Example: `  clickstream                                             see it work, in seconds
  clickstream produce --in clicks.jsonl.gz                publish your own clicks
  clickstream run --until-end --sink csv:sessions.csv     compute their sessions
  clickstream run --brokers kafka:9092 --sink 'postgres://user@db/shop?table=sessions'`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			p.out = cmd.OutOrStdout()
			p.screen = screen.New(cmd.ErrOrStderr())
			return nil
		},
	}
	root.PersistentFlags().StringVar(&p.logLevel, "log-level", "warn", "what the engine logs: debug, info, warn or error")
	demo := newDemo(p)
	root.RunE = demo.RunE
	root.Flags().AddFlagSet(demo.Flags())
	root.AddCommand(demo, newRun(p), newReplay(p), newProduce(p), newTopic(p), newBroker(p), newExplain(p), newChart(p), newSchema(p))
	root.AddCommand(newVersions(p), newCompare(p), newCutover(p), newRollback(p), newState(p), newCheckpoints(p))
	return root
}

// clusterFlags are the flags of commands that reach a cluster.
func (p *program) clusterFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.data, "data", "data", "directory for the embedded broker, the job's state and the default result")
	f.StringSliceVar(&p.brokers, "brokers", nil, "Kafka brokers, host:port,...; without it a broker inside the program, with its data in DATA/broker")
	f.StringVar(&p.topic, "topic", defaultTopic, "topic of the clicks")
	p.security.flags(f)
}

func (p *program) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(p.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %s: use debug, info, warn or error", p.logLevel)
	}
	return slog.New(slog.NewTextHandler(p.screen, &slog.HandlerOptions{Level: level})), nil
}

// say prints a message for the person at the terminal.
func (p *program) say(format string, args ...any) { fmt.Fprintf(p.screen, format+"\n", args...) }

// exactly takes so many arguments, and names them where others are given.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return fmt.Errorf("%s takes %s (arguments given: %d): see `%s --help`", cmd.Name(), strings.Join(names, " and "), len(args), cmd.CommandPath())
	}
}

// printJSON prints a value for programs.
func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// self is how the program was called, for commands that it suggests.
func self() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./examples/clickstream"
	}
	return os.Args[0]
}
