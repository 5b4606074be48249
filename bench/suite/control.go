package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// steps is how many steps each core's loop of the control takes: some seconds.
const steps = 2_000_000_000

// controlCommand is a loop of arithmetic on so many cores, which shares nothing and leaves memory alone: what the machine itself brings by a core more.
func controlCommand() *cobra.Command {
	var cores int
	cmd := &cobra.Command{
		Use: "control", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return control(cores, steps, cmd.OutOrStdout()) },
	}
	cmd.Flags().IntVar(&cores, "procs", 1, "cores")
	return cmd
}

func control(cores, steps int, out io.Writer) error {
	began := time.Now()
	sums := make([]uint64, cores)
	var loops sync.WaitGroup
	for i := range sums {
		loops.Go(func() {
			x := uint64(i)
			for range steps {
				x = x*6364136223846793005 + 1442695040888963407 // Knuth's, MMIX
			}
			sums[i] = x
		})
	}
	loops.Wait()
	phase := time.Since(began).Seconds()
	return tell(out, controlled{Sums: sums, Phase: phase})
}

// controlled is what the control says.
type controlled struct {
	Sums  []uint64 `json:"sums"` // so that no compiler leaves the loops out
	Phase float64  `json:"phase_s"`
}

// The names of the control's variants.
const (
	oneCore  = "arithmetic, 1 of 2 cores"
	twoCores = "arithmetic, 2 of 2 cores"
)

func controlVariant(name string, cores int) variant {
	return variant{name: name, run: func(ctx context.Context, _ *bench) (Sample, error) {
		program, err := os.Executable()
		if err != nil {
			return Sample{}, err
		}
		var got controlled
		s, err := child(ctx, "", &got, program, "control", fmt.Sprintf("--procs=%d", cores))
		s.Events, s.Phase = int64(steps/1000*cores), got.Phase
		return s, err
	}}
}
