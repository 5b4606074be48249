package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/millrace/millrace/sink/version"
)

// cutoverOptions are what must hold before readers are moved.
type cutoverOptions struct {
	maxLag     int64
	maxChanged string
	force      bool
}

func newCutover(p *program) *cobra.Command {
	var sh shelf
	var o cutoverOptions
	cmd := &cobra.Command{
		Use:   "cutover VERSION",
		Short: "Let readers see another version, in one step",
		Long: `Move the readers' views to another version: all tables of the result in one transaction. A reader sees the old version or the new one, never some of each.
The old version stays, and its job goes on, so that rollback is at once and not to stale rows. The new version is kept up to date by a job of its own too, as
replay --follow is: after a replay that has ended, run --version goes on with it where --no-drain kept its last sessions open.

It is refused unless the version is caught up and not further behind the topic's end than --max-lag, and no more than --max-changed of the sessions differ from what
readers see now. --force leaves both out.`,
		Example: `  clickstream cutover v2
  clickstream cutover v2 --max-changed 25%`,
		Args: exactly("VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.cutover(cmd.Context(), sh, o, args[0]) },
	}
	sh.sinkFlag(cmd)
	p.clusterFlags(cmd)
	f := cmd.Flags()
	f.Int64Var(&o.maxLag, "max-lag", 1000, "how many records of the topic the version may not have read yet")
	f.StringVar(&o.maxChanged, "max-changed", "10%", "which share of the sessions' keys may differ from what readers see now, such as 10% or 0.1")
	f.BoolVar(&o.force, "force", false, "do not look at lag and differences")
	return cmd
}

func (p *program) cutover(ctx context.Context, sh shelf, o cutoverOptions, to string) (err error) {
	budget, err := parseShare(o.maxChanged)
	if err != nil {
		return fmt.Errorf("--max-changed %s: %w", o.maxChanged, err)
	}
	if err := sh.open(p); err != nil {
		return err
	}
	defer closing(sh.catalog, &err)
	list, err := sh.catalog.List(ctx)
	if err != nil {
		return err
	}
	v, err := sh.named(list, to)
	if err != nil {
		return err
	}
	if list.Current == to {
		return fmt.Errorf("readers of %s see %s already", sh.target.Reader, to)
	}
	if !o.force {
		if err := errors.Join(p.lagGuard(ctx, v, o.maxLag), p.changeGuard(ctx, sh, list.Current, to, budget)); err != nil {
			return fmt.Errorf("readers still see %s: %w\n--force cuts over all the same", orNothing(list.Current), err)
		}
	}
	return p.switchTo(ctx, sh, list, to)
}

// lagGuard says that a version is too far behind the log.
func (p *program) lagGuard(ctx context.Context, v version.Version, most int64) (err error) {
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	log, err := c.log(ctx, p.topic)
	if err != nil {
		return fmt.Errorf("how far %s is behind is not known: %w", v.Name, err)
	}
	lag := log.lag(v.Log)
	switch {
	case !v.CaughtUp:
		return fmt.Errorf("%s has not come to the end of the topic yet: %s records to go when its job last told, %s", v.Name, humanize.Comma(lag), since(v.Updated))
	case lag > most:
		return fmt.Errorf("%s is %s records behind, and --max-lag is %s: its job last told %s", v.Name, humanize.Comma(lag), humanize.Comma(most), since(v.Updated))
	}
	p.say("%s is caught up: %s records behind the end of %s.", v.Name, humanize.Comma(lag), p.topic)
	return nil
}

// changeGuard says that a version differs too much from what readers see.
func (p *program) changeGuard(ctx context.Context, sh shelf, from, to string, budget float64) error {
	if from == "" {
		return nil
	}
	r, err := sh.compare(ctx, sh.target.Reader, from, to, 0)
	if err != nil {
		return err
	}
	p.say("%s", r.Text())
	if r.Share() > budget {
		return fmt.Errorf("%.2f %% of the keys differ between %s and %s, and --max-changed is %.4g %%: see `%s compare %s %s`", 100*r.Share(), from, to, 100*budget, self(), from, to)
	}
	return nil
}

// switchTo moves the readers, and tells what they saw and see.
func (p *program) switchTo(ctx context.Context, sh shelf, list version.Listing, to string) error {
	before, after := p.seen(ctx, sh, list, list.Current), p.seen(ctx, sh, list, to)
	begun := time.Now()
	if err := sh.catalog.Switch(ctx, list.Current, to); err != nil {
		return err
	}
	took := time.Since(begun)
	fmt.Fprintf(p.out, "Readers of %s saw %s\n             now see %s\nSwitched in %s.\n", sh.target.Reader, before, after, took.Round(100*time.Microsecond))
	if !sh.target.Database() {
		p.say("No view moves: readers of %s find the current version in %s.", sh.target.Result, "versions.json")
	}
	return nil
}

// seen is a version as readers see it.
func (p *program) seen(ctx context.Context, sh shelf, list version.Listing, name string) string {
	v, ok := list.Version(name)
	if !ok {
		return "nothing"
	}
	text := name
	if r, ok := sh.catalog.(version.Reader); ok {
		if n, err := r.Count(ctx, name, sh.target.Reader); err == nil {
			text += ": " + humanize.Comma(n) + " rows"
		}
	}
	return text + " (" + definition(v) + ")"
}

func orNothing(name string) string {
	if name == "" {
		return "nothing"
	}
	return name
}

func newRollback(p *program) *cobra.Command {
	var sh shelf
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Let readers see the version again that they saw before the last cutover",
		Long: `Move the readers' views back to the version before the last cutover, in one step and without comparing anything, so that it takes less than a second. It is the
caller's to know that the old version's job still runs; how far it is behind the other is said. Another rollback goes forth again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.rollback(cmd.Context(), sh) },
	}
	sh.sinkFlag(cmd)
	p.resultFlag(cmd)
	return cmd
}

func (p *program) rollback(ctx context.Context, sh shelf) (err error) {
	if err := sh.open(p); err != nil {
		return err
	}
	defer closing(sh.catalog, &err)
	begun := time.Now()
	list, err := sh.catalog.List(ctx)
	if err != nil {
		return err
	}
	if list.Previous == "" {
		return fmt.Errorf("readers of %s see %s, and there is nothing to go back to: nothing was cut over, or the version before was dropped", sh.target.Reader, orNothing(list.Current))
	}
	if err := sh.catalog.Switch(ctx, list.Current, list.Previous); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Readers of %s see %s again, and no more %s.\nRolled back in %s.\n", sh.target.Reader, list.Previous, list.Current, time.Since(begun).Round(100*time.Microsecond))
	left, _ := list.Version(list.Current)
	back, _ := list.Version(list.Previous)
	if behind := left.Read() - back.Read(); behind > 0 {
		p.say("%s has read %s records less of the log than %s; its job last told %s.", back.Name, humanize.Comma(behind), left.Name, since(back.Updated))
	}
	return nil
}
