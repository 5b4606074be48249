package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sink/version"
)

func newVersions(p *program) *cobra.Command {
	var sh shelf
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "versions",
		Short: "List the versions of the result, or drop one",
		Long: `List the versions of the result: which one readers see (*), which one they saw before and rollback goes back to (<), what each was computed by, how many
rows it has, how much of the log it has read and how far its job is behind the log's end.`,
		Example: `  clickstream versions
  clickstream versions --sink 'postgres://user@db/shop'
  clickstream versions drop v1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.versions(cmd.Context(), sh, asJSON) },
	}
	sh.sinkFlag(cmd)
	p.clusterFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")

	var dropped shelf
	drop := &cobra.Command{
		Use:   "drop VERSION",
		Short: "Remove a version and its rows",
		Long: `Remove a version and its tables. The one that readers see is refused: cut over to another first. A job that still writes the version notices within seconds
and stops in order. What is in files and topics stays; the version's entry goes.`,
		Args: exactly("VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.dropVersion(cmd.Context(), dropped, args[0]) },
	}
	dropped.sinkFlag(drop)
	p.resultFlag(drop)
	cmd.AddCommand(drop)
	return cmd
}

// listed is a version with what can be known of it now.
type listed struct {
	version.Version
	Current  bool   `json:"current"`
	Previous bool   `json:"previous"`
	Rows     *int64 `json:"rows"` // of sessions; null where they cannot be counted
	Lag      *int64 `json:"lag"`  // records of the log that it has not read; null where the topic cannot be asked
}

func (p *program) versions(ctx context.Context, sh shelf, asJSON bool) (err error) {
	if err := sh.open(p); err != nil {
		return err
	}
	defer closing(sh.catalog, &err)
	list, err := sh.catalog.List(ctx)
	if err != nil {
		return err
	}
	log, known, err := p.logIfAny(ctx)
	if err != nil {
		p.say("How far versions are behind is not known: %v", err)
	}
	all := []listed{}
	for _, v := range list.Versions {
		l := listed{Version: v, Current: v.Name == list.Current, Previous: v.Name == list.Previous}
		if r, ok := sh.catalog.(version.Reader); ok {
			n, err := r.Count(ctx, v.Name, sh.target.Reader)
			if err != nil {
				return err
			}
			l.Rows = &n
		}
		if known {
			n := log.lag(v.Log)
			l.Lag = &n
		}
		all = append(all, l)
	}
	if asJSON {
		return p.printJSON(all)
	}
	if len(all) == 0 {
		p.say("%s has no versions yet.", sh.target.Result)
		return nil
	}
	fmt.Fprintln(p.out, tableOf(all))
	return nil
}

// logIfAny asks the topic; ok is false where there is no cluster to ask, or it does not answer.
func (p *program) logIfAny(ctx context.Context) (l topicLog, ok bool, err error) {
	if _, err := os.Stat(p.brokerDir()); err != nil && len(p.brokers) == 0 {
		return l, false, nil // an embedded broker would be made by asking
	}
	c, err := p.connect()
	if err != nil {
		return l, false, err
	}
	defer closing(c, &err)
	l, err = c.log(ctx, p.topic)
	return l, err == nil, err
}

func tableOf(all []listed) string {
	w := table.NewWriter()
	w.SetStyle(table.StyleRounded)
	w.AppendHeader(table.Row{"", "version", "definition", "rows", "log read", "lag", "updated"})
	number := func(n *int64) string {
		if n == nil {
			return "?"
		}
		return humanize.Comma(*n)
	}
	for _, l := range all {
		mark := ""
		switch {
		case l.Current:
			mark = "*"
		case l.Previous:
			mark = "<"
		}
		w.AppendRow(table.Row{mark, l.Name, l.Definition, number(l.Rows), humanize.Comma(l.Read()), number(l.Lag), since(l.Updated)})
	}
	return w.Render()
}

func since(at time.Time) string { return humanize.RelTime(at, time.Now(), "ago", "from now") }

func (p *program) dropVersion(ctx context.Context, sh shelf, name string) (err error) {
	if err := sh.open(p); err != nil {
		return err
	}
	defer closing(sh.catalog, &err)
	list, err := sh.catalog.List(ctx)
	if err != nil {
		return err
	}
	v, err := sh.named(list, name)
	if err != nil {
		return err
	}
	if err := sh.catalog.Drop(ctx, name); err != nil {
		if errors.Is(err, version.ErrCurrent) {
			return fmt.Errorf("%w; `%s cutover OTHER` does that", err, self())
		}
		return err
	}
	p.say("Dropped version %s (%s). A job of group %s that still runs stops by itself.", name, definition(v), v.Group)
	if name == list.Previous {
		p.say("Readers had seen it before: there is nothing to roll back to now.")
	}
	return nil
}
