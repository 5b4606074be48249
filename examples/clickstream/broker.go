package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newBroker(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Serve the embedded broker until Ctrl-C",
		Long: `Serve the embedded Kafka-protocol broker on a loopback port until Ctrl-C. The other commands, started with the same
--data directory, use it while it runs; without it each of them serves the directory by itself.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serveBroker(cmd.Context()) },
	}
	cmd.Flags().StringVar(&p.data, "data", "data", "the broker keeps its data in DATA/broker")
	return cmd
}

func (p *program) serveBroker(ctx context.Context) (err error) {
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	p.say("The %s serves %s. Ctrl-C ends it; what was published stays.", c, p.brokerDir())
	<-ctx.Done()
	return nil
}
