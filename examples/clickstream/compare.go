package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes of compare.
const (
	exitDifferent = 1
	exitFailed    = 2
)

func newCompare(p *program) *cobra.Command {
	var sh shelf
	var table string
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Tell what differs between two versions of the result, and why",
		Long: `Compare the rows of two versions, key by key: equal, changed (and in which columns), only in one. Sessions are also compared as stretches of time of one
user, which says why: one was split into several, several were merged into one, its bounds moved, it vanished or appeared. The numbers add up.

What part of the log each version has read is compared first: versions that have not read the same may differ by that alone.
Both tables are read once, in the order of their key; memory does not grow with them.

The exit code is 0 if the versions are equal, 1 if they differ, 2 after an error.`,
		Example: `  clickstream compare v1 v2
  clickstream compare v1 v2 --table session_metrics --limit 3
  clickstream compare v1 v2 --json | jq .reasons`,
		Args: func(cmd *cobra.Command, args []string) error {
			return withCode(exitFailed, exactly("OLD", "NEW")(cmd, args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.compare(cmd.Context(), sh, table, args[0], args[1], limit, asJSON)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return withCode(exitFailed, err) })
	f := cmd.Flags()
	sh.sinkFlag(cmd)
	p.resultFlag(cmd)
	f.StringVar(&table, "table", "", "table to compare, by the name that readers use (default the one of sessions)")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.IntVar(&limit, "limit", 10, "how many differences to show; all are counted")
	return cmd
}

func (p *program) compare(ctx context.Context, sh shelf, table, older, newer string, limit int, asJSON bool) (err error) {
	if limit < 0 {
		return withCode(exitFailed, fmt.Errorf("--limit %d: a number of differences is not below 0", limit))
	}
	if err := sh.open(p); err != nil {
		return withCode(exitFailed, err)
	}
	defer closing(sh.catalog, &err)
	if table == "" {
		table = sh.target.Reader
	}
	report, err := sh.compare(ctx, table, older, newer, limit)
	if err != nil {
		return withCode(exitFailed, err)
	}
	if asJSON {
		if err := p.printJSON(report); err != nil {
			return withCode(exitFailed, err)
		}
	} else if _, err := io.WriteString(p.out, report.Text()); err != nil {
		return withCode(exitFailed, err)
	}
	if !report.Equal() {
		return &exitError{code: exitDifferent}
	}
	return nil
}
