package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
)

func newState(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into the state of a stopped job, edit it, keep it in a savepoint, and restore it",
		Long: `Look into the state of a stopped job, edit it, keep it in a savepoint, and restore it.

DIR is a job's state directory, DATA/state/GROUP, or a savepoint. What it holds is only changed by set, delete, timer and edit. The directory of a running job is
refused: stop it with Ctrl-C, which leaves its open windows in the state.`,
		Example: `  clickstream state ls data/state/sessions-v1
  clickstream state get data/state/sessions-v1 session-analytics user_0042
  clickstream state save data/state/sessions-v1 before-upgrade
  clickstream state restore before-upgrade data/state/sessions-v1 --backend memory`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.stateList(), p.stateGet(), p.stateScan(), p.stateDiff(), p.stateExport(), p.stateSave(), p.stateVerify(), p.stateRestore(), p.statePlan())
	cmd.AddCommand(p.stateSet(), p.stateDelete(), p.stateTimer(), p.stateEdit(), p.stateEdits())
	return cmd
}

// lookInto has f called with the state in a directory.
func lookInto(dir string, f func(kind string, s *inspect.State) error) (err error) {
	d, err := inspect.Open(dir)
	if err != nil {
		return err
	}
	defer closing(d, &err)
	s, err := inspect.New(d, stateCodecs)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return f(d.Kind, s)
}

func (p *program) stateList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "ls DIR",
		Short: "List operators with their keys and timers, and how far each split was read",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return lookInto(args[0], func(kind string, s *inspect.State) error {
				m, err := s.Describe()
				if err != nil {
					return err
				}
				if asJSON {
					return indented(p.out, m)
				}
				if err := listState(p.out, kind, m); err != nil {
					return err
				}
				return listLedger(p.out, s)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: times in milliseconds since the Unix epoch")
	return cmd
}

func listState(out io.Writer, kind string, m *savepoint.Manifest) error {
	fmt.Fprintf(out, "job %s, max parallelism %d, in %s: %d keys\n\n", m.Job, m.MaxParallelism, kindText(kind), m.Keys())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "OPERATOR\tKEYS\tSHARDS\tTIMERS\tBYTES\tSTATE\tDEFINITION")
	for _, o := range m.Operators {
		var cells []string
		for _, c := range o.Cells {
			cells = append(cells, c.Name+" as "+c.Codec)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", o.UID, o.Keys, o.Shards, o.EventTimers+o.ProcessingTimers, o.Bytes, strings.Join(cells, ", "), o.Shape)
	}
	fmt.Fprintln(w, "\nSPLIT\tOF\tNEXT\tWATERMARK")
	for _, s := range m.Splits {
		at := fmt.Sprint(s.Position)
		if s.Finished {
			at += " (finished)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.ID, s.Operator, at, stream.FormatTime(s.Watermark))
	}
	for uid, n := range m.Pending {
		fmt.Fprintf(w, "\nsink %s has %d prepared parts to show\n", uid, n)
	}
	return w.Flush()
}

func kindText(kind string) string {
	if kind == "savepoint" {
		return "a savepoint"
	}
	return "a state directory of backend " + kind
}

func (p *program) stateGet() *cobra.Command {
	return &cobra.Command{
		Use:   "get DIR OPERATOR KEY",
		Short: "Print the state of one key as JSON",
		Long:  "Print the state of one key as JSON. A key that is not text is given in hex behind 0x, as the other commands print it.",
		Args:  cobra.ExactArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			return lookInto(args[0], func(_ string, s *inspect.State) error {
				found, err := s.Get(args[1], args[2])
				if err != nil {
					return err
				}
				if len(found) == 0 {
					return fmt.Errorf("operator %s has no state of key %s: all its windows are closed, or it never came", args[1], args[2])
				}
				for _, e := range found {
					if err := indented(p.out, e); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (p *program) stateScan() *cobra.Command {
	limit, prefix := 20, ""
	cmd := &cobra.Command{
		Use:   "scan DIR OPERATOR",
		Short: "Print the first keys of an operator with their state, a line of JSON each",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return lookInto(args[0], func(_ string, s *inspect.State) error {
				lines := json.NewEncoder(p.out)
				n := 0
				for e, err := range s.Entries(args[1]) {
					if err != nil {
						return err
					}
					if !strings.HasPrefix(e.Key, prefix) {
						continue
					}
					if limit > 0 && n == limit {
						p.say("There are more than %d; see --limit.", limit)
						break
					}
					n++
					if err := lines.Encode(e); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "keys to print; 0 for all")
	cmd.Flags().StringVar(&prefix, "prefix", "", "only keys that begin with it, as they are printed")
	return cmd
}

func (p *program) stateDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Print the keys whose state differs between two directories or savepoints, as JSON Lines",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return lookInto(args[0], func(_ string, before *inspect.State) error {
				return lookInto(args[1], func(_ string, after *inspect.State) error { return p.diffStates(before, after) })
			})
		},
	}
}

func (p *program) diffStates(before, after *inspect.State) error {
	lines := json.NewEncoder(p.out)
	var came, went, changed int
	for c, err := range inspect.Diff(before, after) {
		if err != nil {
			return err
		}
		switch {
		case c.Before == nil:
			came++
		case c.After == nil:
			went++
		default:
			changed++
		}
		if err := lines.Encode(c); err != nil {
			return err
		}
	}
	p.say("%d keys came, %d went, %d changed.", came, went, changed)
	return nil
}

func (p *program) stateSave() *cobra.Command {
	return &cobra.Command{
		Use:   "save DIR SAVEPOINT",
		Short: "Write a savepoint of a stopped job's state",
		Long:  "Write a savepoint of a stopped job's state to the directory SAVEPOINT, which must not exist or be empty. The job is as it was and may go on.",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) (err error) {
			d, err := inspect.Open(args[0])
			if err != nil {
				return err
			}
			defer closing(d, &err)
			m, err := savepoint.Write(d, args[1])
			if err == nil {
				p.say("%s: %s", args[1], m)
			}
			return err
		},
	}
}

func (p *program) stateVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify SAVEPOINT",
		Short: "Read all of a savepoint and check it against its manifest",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sp, err := savepoint.Open(args[0])
			if err != nil {
				return err
			}
			if err := sp.Verify(); err != nil {
				return err
			}
			p.say("%s is whole: %s", args[0], sp.Manifest())
			return nil
		},
	}
}

func (p *program) stateRestore() *cobra.Command {
	backend := "pebble"
	cmd := &cobra.Command{
		Use:   "restore SAVEPOINT DIR",
		Short: "Make a state directory of a savepoint",
		Long: `Make a state directory of a savepoint. DIR must not exist or be empty; it is there when all of it is. A job that goes on from it
may be a changed one: state plan says what becomes of its state.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			to := map[string]state.Backend{"pebble": pebble.Backend(), "memory": memory.Backend()}[backend]
			if to == nil {
				return fmt.Errorf("--backend %s: use pebble or memory", backend)
			}
			sp, err := savepoint.Open(args[0])
			if err != nil {
				return err
			}
			if err := sp.Restore(to, args[1]); err != nil {
				if errors.Is(err, savepoint.ErrExists) {
					return fmt.Errorf("%w; move the old state away first", err)
				}
				return err
			}
			p.say("%s has the state of %s", args[1], sp.Manifest())
			return nil
		},
	}
	cmd.Flags().StringVar(&backend, "backend", backend, "what keeps the state: pebble or memory")
	return cmd
}

func indented(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
