package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
	"github.com/millrace/millrace/state/checkpoint/s3"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// checkpointOptions are the flags of run about checkpoints that are kept elsewhere.
type checkpointOptions struct {
	place string
	every time.Duration
	keep  int
}

func (o *checkpointOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.place, "checkpoints", "", "also keep checkpoints elsewhere, in case DATA is lost: a directory, or s3://BUCKET/PREFIX?endpoint=URL; see `clickstream checkpoints`")
	f.DurationVar(&o.every, "checkpoints-every", 5*time.Minute, "time between those of --checkpoints")
	f.IntVar(&o.keep, "checkpoints-keep", 3, "how many of --checkpoints are kept")
}

// jobOptions are what the flags mean; each group has a place of its own below the one given.
func (o *checkpointOptions) jobOptions(group string) ([]stream.JobOption, error) {
	if o.place == "" {
		return nil, nil
	}
	place, err := checkpointPlace(o.place, group)
	if err != nil {
		return nil, fmt.Errorf("--checkpoints: %w", err)
	}
	return []stream.JobOption{stream.Checkpoints(checkpoint.NewKeeper(place, checkpoint.Every(o.every), checkpoint.Keep(o.keep)))}, nil
}

// checkpointPlace is what a location names, below it if that is not empty.
func checkpointPlace(location, below string) (checkpoint.Storage, error) {
	if !strings.HasPrefix(location, "s3:") {
		if below != "" {
			location += "/" + below
		}
		return checkpoint.Directory(location), nil
	}
	l, rest, err := s3.ParseLocation(location)
	if err != nil {
		return nil, err
	}
	for name := range rest {
		return nil, fmt.Errorf("%s: there is no parameter %s", l, name)
	}
	if below != "" {
		l = l.Below(below)
	}
	return s3.Storage(l), nil
}

const latestCheckpoint = "latest"

func newCheckpoints(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "checkpoints",
		Short: "List, verify and restore the checkpoints that run --checkpoints keeps",
		Long: `A group that runs with --checkpoints PLACE keeps its checkpoints in PLACE/GROUP. PLACE is a directory, on another disk if it is to outlive this one,
or s3://BUCKET/PREFIX?endpoint=URL, with the keys from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or ~/.aws/credentials.
NUMBER is that of ls, or "latest".`,
		Example: `  clickstream checkpoints ls /mnt/backup/sessions-v1
  clickstream checkpoints restore /mnt/backup/sessions-v1 latest data/state/sessions-v1`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(p.checkpointsLs(), p.checkpointsShow(), p.checkpointsVerify(), p.checkpointsRestore(), p.checkpointsRm())
	return cmd
}

func archiveAt(location string) (*checkpoint.Archive, error) {
	place, err := checkpointPlace(location, "")
	if err != nil {
		return nil, err
	}
	return checkpoint.Open(place), nil
}

// checkpointAt finds the checkpoint that a command is about.
func checkpointAt(cmd *cobra.Command, location, text string) (*checkpoint.Archive, int64, error) {
	a, err := archiveAt(location)
	if err != nil {
		return nil, 0, err
	}
	if text == latestCheckpoint {
		n, err := a.Latest(cmd.Context())
		return a, n, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return nil, 0, fmt.Errorf("%q is no checkpoint: use a number of `%s checkpoints ls`, or %s", text, self(), latestCheckpoint)
	}
	return a, n, nil
}

func (p *program) checkpointsLs() *cobra.Command {
	return &cobra.Command{
		Use:   "ls PLACE",
		Short: "List the checkpoints in a place, the oldest first",
		Args:  exactly("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := archiveAt(args[0])
			if err != nil {
				return err
			}
			list, err := a.List(cmd.Context())
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return fmt.Errorf("%w: %s has none", checkpoint.ErrNone, args[0])
			}
			for _, l := range list {
				if l.Err != nil {
					fmt.Fprintf(p.out, "%6d  cannot be read: %v\n", l.Number, l.Err)
					continue
				}
				m := l.Manifest
				fmt.Fprintf(p.out, "%6d  %s  %-8s %9s in %d files  %d splits\n", m.Number, m.Taken.Format(time.RFC3339), m.Store, humanize.IBytes(uint64(m.Bytes())), len(m.Files), len(m.Splits))
			}
			return nil
		},
	}
}

func (p *program) checkpointsShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show PLACE NUMBER",
		Short: "Print what a checkpoint holds, as JSON",
		Args:  exactly("PLACE", "NUMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, n, err := checkpointAt(cmd, args[0], args[1])
			if err != nil {
				return err
			}
			m, err := a.Manifest(cmd.Context(), n)
			if err != nil {
				return err
			}
			return p.printJSON(m)
		},
	}
}

func (p *program) checkpointsVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify PLACE NUMBER",
		Short: "Read all of a checkpoint and check it against its manifest",
		Args:  exactly("PLACE", "NUMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, n, err := checkpointAt(cmd, args[0], args[1])
			if err != nil {
				return err
			}
			m, err := a.Verify(cmd.Context(), n)
			if err != nil {
				return err
			}
			p.say("It is whole: %s", m)
			return nil
		},
	}
}

func (p *program) checkpointsRestore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore PLACE NUMBER DIR",
		Short: "Make a state directory of a checkpoint",
		Long: `Make a state directory of a checkpoint: DATA/state/GROUP is where run looks for the group's. DIR must not exist or be empty; it is there when all of it is verified.
The group goes on from the checkpoint's positions, and writes again what it had written since; in a database the rows come out the same.`,
		Args: exactly("PLACE", "NUMBER", "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, n, err := checkpointAt(cmd, args[0], args[1])
			if err != nil {
				return err
			}
			m, err := a.Manifest(cmd.Context(), n)
			if err != nil {
				return err
			}
			to := map[string]state.Backend{"pebble": pebble.Backend(), "memory": memory.Backend()}[m.Store]
			if to == nil {
				return fmt.Errorf("%w: it is of the backend %s, which this program does not have", checkpoint.ErrForeign, m.Store)
			}
			if m, err = a.Restore(cmd.Context(), n, jobName, to, args[2]); err != nil {
				if errors.Is(err, checkpoint.ErrExists) {
					return fmt.Errorf("%w; move the old state away first", err)
				}
				return err
			}
			p.say("%s has the state of %s", args[2], m)
			return nil
		},
	}
}

func (p *program) checkpointsRm() *cobra.Command {
	return &cobra.Command{
		Use:   "rm PLACE NUMBER...",
		Short: "Remove checkpoints, with the files that no other one needs",
		Long:  "Remove checkpoints, with the files that no other one needs. The group that writes to the place should not be running: it removes old ones by itself.",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var numbers []int64
			for _, text := range args[1:] {
				_, n, err := checkpointAt(cmd, args[0], text)
				if err != nil {
					return err
				}
				numbers = append(numbers, n)
			}
			a, err := archiveAt(args[0])
			if err != nil {
				return err
			}
			r, err := a.Remove(cmd.Context(), numbers...)
			p.say("Removed %d checkpoints and %d files of %s.", r.Checkpoints, r.Files, humanize.IBytes(uint64(r.Bytes)))
			return err
		},
	}
}
