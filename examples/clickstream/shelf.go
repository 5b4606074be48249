package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/examples/clickstream/internal/target"
	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/compare"
)

// shelf is where the versions of a result stand: what the commands about versions share.
type shelf struct {
	sink string

	target  target.Target
	catalog version.Catalog
}

// sinkFlag is the result that a command is about.
func (sh *shelf) sinkFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&sh.sink, "sink", "", "the result whose versions are meant, as for run (default sqlite:DATA/clickstream.db?table=sessions)")
}

// resultFlag is --data for commands that reach a result, but no cluster.
func (p *program) resultFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.data, "data", "data", "directory of the default result, and of versions that no database keeps")
}

// open opens the catalog; closing it is the caller's.
func (sh *shelf) open(p *program) (err error) {
	if sh.sink == "" {
		sh.sink = defaultSink(p.data)
	}
	if sh.target, err = target.Parse(sh.sink, sessionsTable, target.FirstVersion); err != nil {
		return err
	}
	if sh.target.Place() == "" {
		return fmt.Errorf("sink %s keeps nothing, so it has no versions", sh.sink)
	}
	sh.catalog, err = sh.target.Catalog(p.data)
	return err
}

func defaultSink(data string) string { return "sqlite:" + filepath.Join(data, "clickstream.db") }

// named is a version of the catalog.
func (sh *shelf) named(list version.Listing, name string) (version.Version, error) {
	v, ok := list.Version(name)
	if !ok {
		return v, fmt.Errorf("version %s of %s: %w; `%s versions` lists those there are", name, sh.target.Result, version.ErrUnknown, self())
	}
	return v, nil
}

// compare compares a table of two versions, with reasons where its rows are sessions.
func (sh *shelf) compare(ctx context.Context, table, older, newer string, limit int) (compare.Report, error) {
	o := compare.Options{Limit: limit, Ignore: provenanceColumns}
	if table == sh.target.Reader {
		o.Intervals = compare.Intervals{Start: "session_start", End: "session_end"}
	}
	return compare.Versions(ctx, sh.catalog, table, older, newer, o)
}

// definition is a version's, for people.
func definition(v version.Version) string {
	if v.Definition == "" {
		return "no definition is known"
	}
	return v.Definition
}
