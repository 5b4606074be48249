package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
)

// steps is how many steps each core's loop of the control takes: some seconds.
const steps = 2_000_000_000

// controlCommand is a loop of arithmetic on so many cores, which shares nothing and leaves memory alone: what the machine itself brings by a core more.
func controlCommand() *cobra.Command {
	var cores int
	var line bool
	cmd := &cobra.Command{
		Use: "control", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if line {
				return pass(trips, cmd.OutOrStdout())
			}
			return control(cores, steps, cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&cores, "procs", 1, "cores")
	cmd.Flags().BoolVar(&line, "line", false, "pass a line of the cache to another core and back, and no arithmetic")
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

// trips is how often a line is passed: some tenths of a second.
const trips = 1_000_000

// pass passes a line of the cache to another core and back. Where cores have a cache in common it takes much less time than where they have not, and where they are is up to
// the hypervisor, which moves them.
func pass(trips int64, out io.Writer) error {
	var line struct {
		_ [128]byte // what is fetched with a line
		n atomic.Int64
		_ [128]byte
	}
	turns := func(first int64) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for n := first; n < 2*trips; n += 2 {
			for line.n.Load() != n {
			}
			line.n.Store(n + 1)
		}
	}
	began := time.Now()
	var other sync.WaitGroup
	other.Go(func() { turns(1) })
	turns(0)
	other.Wait()
	return tell(out, passed{float64(time.Since(began).Nanoseconds()) / float64(trips)})
}

// passed is what pass says.
type passed struct {
	Nanos float64 `json:"trip_ns"`
}

// colTrip is a column of what pass says.
const colTrip = "ns to the other core and back"

func lineVariant() variant {
	return variant{name: "a line of the cache", run: func(ctx context.Context, _ *bench) (Sample, error) {
		var got passed
		s, err := controlChild(ctx, &got, "--line")
		s.Values = map[string]float64{colTrip: got.Nanos}
		return s, err
	}}
}

const arithmetic = "arithmetic"

func controlVariant(cores int) variant {
	return variant{name: onCores(arithmetic, cores), run: func(ctx context.Context, _ *bench) (Sample, error) {
		var got controlled
		s, err := controlChild(ctx, &got, fmt.Sprintf("--procs=%d", cores))
		s.Events, s.Phase = int64(steps/1000*cores), got.Phase
		return s, err
	}}
}

// controlChild runs this program's control.
func controlChild(ctx context.Context, got any, flag string) (Sample, error) {
	program, err := os.Executable()
	if err != nil {
		return Sample{}, err
	}
	return child(ctx, "", got, program, "control", flag)
}
