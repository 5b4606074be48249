package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/state/inspect/parquet"
)

func (p *program) stateExport() *cobra.Command {
	path, format := "", ""
	cmd := &cobra.Command{
		Use:   "export DIR [OPERATOR...]",
		Short: "Write all keys of the operators, or of all of them, as JSON Lines or Parquet",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format == "" && filepath.Ext(path) == ".parquet" {
				format = "parquet"
			}
			if format != "" && format != "jsonl" && format != "parquet" {
				return fmt.Errorf("--format %s: use jsonl or parquet", format)
			}
			return lookInto(args[0], func(_ string, s *inspect.State) error {
				if path == "" {
					return p.export(p.out, s, args[1:], format)
				}
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
				if err != nil {
					return fmt.Errorf("--out: %w", err)
				}
				if err := errors.Join(p.export(f, s, args[1:], format), f.Close()); err != nil {
					return errors.Join(err, os.Remove(path)) // a part of an export looks like all of it
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&path, "out", "", "file to write, which must not exist (default standard output)")
	cmd.Flags().StringVar(&format, "format", "", "jsonl or parquet (default by the name of the file, else jsonl)")
	return cmd
}

func (p *program) export(out io.Writer, s *inspect.State, uids []string, format string) error {
	if len(uids) == 0 {
		uids = s.Operators()
	}
	if format == "parquet" {
		keys, rows, err := parquet.Write(out, s, uids...)
		if err == nil {
			p.say("%d keys, %d rows.", keys, rows)
		}
		return err
	}
	n, err := exportState(out, s, uids)
	if err == nil {
		p.say("%d keys.", n)
	}
	return err
}

func exportState(out io.Writer, s *inspect.State, uids []string) (n int, err error) {
	lines := json.NewEncoder(out)
	for _, uid := range uids {
		for e, err := range s.Entries(uid) {
			if err != nil {
				return n, err
			}
			if err := lines.Encode(e); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
