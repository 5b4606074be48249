package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/state/inspect"
)

// editing is what commands that edit a state share.
type editing struct {
	program *program
	dryRun  bool
	to      string
	note    string
	split   string
	in      io.Reader // standard input
}

const editHelp = `

DIR is the state directory of a stopped job, or with --to a savepoint. What changes is printed as JSON Lines, each key with its state before and after; --dry-run
prints only. A state directory is changed in one step, all of it or nothing. A savepoint is never changed: --to NEW writes the edited state as
another savepoint. The edit is kept in the state, see "state edits".`

// editCommand is a command that edits by steps made of its arguments.
func (p *program) editCommand(use, short string, args cobra.PositionalArgs, steps func(e *editing, args []string) ([]inspect.Step, error)) *cobra.Command {
	e := &editing{program: p}
	cmd := &cobra.Command{
		Use: use, Short: short, Long: short + "." + editHelp, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			e.in = cmd.InOrStdin()
			list, err := steps(e, args)
			if err != nil {
				return err
			}
			return e.run(args[0], list)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&e.dryRun, "dry-run", false, "print what would change, and change nothing")
	f.StringVar(&e.to, "to", "", "write the edited state as a savepoint to this directory, and leave DIR as it is")
	f.StringVar(&e.note, "note", "", "who edits, and why: kept in the state with the edit")
	f.StringVar(&e.split, "split", "", "split of the key, such as raw-clickstream-events/0: for a key that is new, or that several splits have")
	return cmd
}

func (p *program) stateSet() *cobra.Command {
	return p.editCommand("set DIR OPERATOR KEY CELL VALUE", "Give a state of a key another value: JSON as state get prints it, - for standard input", cobra.ExactArgs(5),
		func(e *editing, args []string) ([]inspect.Step, error) {
			value := []byte(args[4])
			if args[4] == "-" {
				var err error
				if value, err = io.ReadAll(e.in); err != nil {
					return nil, err
				}
			}
			if !json.Valid(value) {
				return nil, fmt.Errorf("the value is not JSON: %s; text is in quotes: '\"text\"'", value)
			}
			return []inspect.Step{{Do: inspect.Set, Operator: args[1], Key: args[2], Cell: args[3], Value: value, Split: e.split}}, nil
		})
}

func (p *program) stateDelete() *cobra.Command {
	return p.editCommand("delete DIR OPERATOR KEY [CELL]", "Delete all that is kept of a key, its timers included, or one state of it", cobra.RangeArgs(3, 4),
		func(e *editing, args []string) ([]inspect.Step, error) {
			s := inspect.Step{Do: inspect.Delete, Operator: args[1], Key: args[2], Split: e.split}
			if len(args) == 4 {
				s.Cell = args[3]
			}
			return []inspect.Step{s}, nil
		})
}

func (p *program) stateTimer() *cobra.Command {
	cmd := &cobra.Command{
		Use: "timer", Short: "Add or delete a timer of an operator's function for a key", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, c := range []struct {
		use, short string
		do         inspect.Action
	}{{"add", "Add a timer", inspect.SetTimer}, {"delete", "Delete a timer", inspect.DeleteTimer}} {
		processing := false
		sub := p.editCommand(c.use+" DIR OPERATOR KEY TIME", c.short+" of an operator's function for a key; TIME is 2024-01-27T16:12:50Z, or milliseconds since the Unix epoch", cobra.ExactArgs(4),
			func(e *editing, args []string) ([]inspect.Step, error) {
				at, err := parseTime(args[3])
				if err != nil {
					return nil, err
				}
				return []inspect.Step{{Do: c.do, Operator: args[1], Key: args[2], At: &at, Processing: processing, Split: e.split}}, nil
			})
		sub.Flags().BoolVar(&processing, "processing", false, "the timer is of the wall clock, not of event time")
		cmd.AddCommand(sub)
	}
	return cmd
}

func parseTime(text string) (ms int64, err error) {
	if ms, err = strconv.ParseInt(text, 10, 64); err == nil {
		return ms, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("time %s: use milliseconds since the Unix epoch, or 2024-01-27T16:12:50Z", text)
	}
	return t.UnixMilli(), nil
}

func (p *program) stateEdit() *cobra.Command {
	cmd := p.editCommand("edit DIR FILE", "Make many changes in one step, each a line of JSON in FILE", cobra.ExactArgs(2),
		func(_ *editing, args []string) (steps []inspect.Step, err error) {
			f, err := os.Open(args[1])
			if err != nil {
				return nil, err
			}
			defer closing(f, &err)
			lines := json.NewDecoder(f)
			lines.DisallowUnknownFields()
			for {
				var s inspect.Step
				switch err := lines.Decode(&s); {
				case errors.Is(err, io.EOF):
					return steps, nil
				case err != nil:
					return nil, fmt.Errorf("%s: step %d: %w", args[1], len(steps)+1, err)
				}
				steps = append(steps, s)
			}
		})
	cmd.Example = `  {"do":"set","operator":"OPERATOR","key":"KEY","cell":"CELL","value":7}
  {"do":"delete","operator":"OPERATOR","key":"KEY"}
  {"do":"set-timer","operator":"OPERATOR","key":"KEY","at":1706371970000}
  {"do":"delete-timer","operator":"OPERATOR","key":"KEY","at":1706371970000,"processing":true}`
	return cmd
}

func (e *editing) run(dir string, steps []inspect.Step) (err error) {
	d, err := inspect.Open(dir)
	if err != nil {
		return err
	}
	defer closing(d, &err)
	edit, err := inspect.NewEdit(d, stateCodecs, stateEncoders)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := edit.Do(steps...); err != nil {
		return err
	}
	changes, err := edit.Changes()
	if err != nil {
		return err
	}
	lines := json.NewEncoder(e.program.out)
	for _, c := range changes {
		if err := lines.Encode(c); err != nil {
			return err
		}
	}
	return e.write(d, dir, edit, len(changes))
}

func (e *editing) write(d *inspect.Directory, dir string, edit *inspect.Edit, changes int) error {
	p := e.program
	switch {
	case e.dryRun:
		p.say("%s would change; nothing is written.", keysText(changes))
		return nil
	case e.to != "":
		m, err := edit.Save(e.to, e.note, time.Now())
		if err == nil {
			p.say("%s changed. %s: %s", keysText(changes), e.to, m)
		}
		return err
	case d.Kind == "savepoint":
		return fmt.Errorf("%s: %w: --to NEW", dir, inspect.ErrInPlace)
	case changes == 0:
		p.say("Nothing changes.")
		return nil
	}
	err := edit.Commit(e.note, time.Now())
	if err == nil {
		p.say("%s changed in %s.", keysText(changes), dir)
	}
	return err
}

func keysText(n int) string {
	if n == 1 {
		return "1 key"
	}
	return fmt.Sprintf("%d keys", n)
}

func (p *program) stateEdits() *cobra.Command {
	return &cobra.Command{
		Use:   "edits DIR",
		Short: "Print the edits that a state has seen, the oldest first, as JSON Lines",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return lookInto(args[0], func(_ string, s *inspect.State) error {
				records, err := s.Edits()
				if err != nil {
					return err
				}
				lines := json.NewEncoder(p.out)
				for _, r := range records {
					if err := lines.Encode(r); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
