package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// A part compares variants of one thing. Variants run in turn, so that a slow hour of the machine meets all of them.
type part struct {
	name     string // of the file of results
	title    string
	about    string // what is measured, and how, for the report
	headline bool   // part of `make bench`
	repeats  int
	columns  []string
	chart    string // the column that is drawn
	variants []variant
}

// A variant is one line of a part's table.
type variant struct {
	name    string
	repeats int // 0 for the part's
	run     func(ctx context.Context, b *bench) (Sample, error)
}

// times is v, run so often in place of its part's number.
func (v variant) times(n int) variant {
	v.repeats = n
	return v
}

func (p part) times(v variant) int { return cmp.Or(v.repeats, p.repeats) }

// parts are all there is, in the order of the report.
func parts() []part {
	return []part{clickstreamPart(), variantsPart(), fileLoopPart(), latencyPart(), pausePart(), restartPart(), largePart(), skewPart(), scalingPart(), sinkPart(), nexmarkPart()}
}

// choose finds parts by name; for none those of the headline, or all.
func choose(names []string, all bool) ([]part, error) {
	var chosen []part
	for _, p := range parts() {
		if slices.Contains(names, p.name) || len(names) == 0 && (all || p.headline) {
			chosen = append(chosen, p)
		}
	}
	if len(names) > 0 && len(chosen) < len(names) {
		var known []string
		for _, p := range parts() {
			known = append(known, p.name)
		}
		return nil, fmt.Errorf("one of %s is no part; the parts are %s", strings.Join(names, ", "), strings.Join(known, ", "))
	}
	return chosen, nil
}

// run runs what is missing of a part.
func (p part) run(ctx context.Context, b *bench) error {
	have, err := b.results.read(p.name)
	if err != nil {
		return err
	}
	done := map[string]int{}
	for _, s := range have {
		done[s.Variant]++
	}
	left := 0
	for _, v := range p.variants {
		left += max(0, p.times(v)-done[v.name])
	}
	began, ran := time.Now(), 0
	most := 0
	for _, v := range p.variants {
		most = max(most, p.times(v))
	}
	for turn := range most {
		for _, v := range p.variants {
			if turn >= p.times(v) || done[v.name] > turn {
				continue
			}
			eta := ""
			if ran > 0 {
				eta = fmt.Sprintf(", about %s left", (time.Since(began) / time.Duration(ran) * time.Duration(left-ran)).Round(time.Second))
			}
			fmt.Printf("%s: %s, run %d of %d%s\n", p.name, v.name, turn+1, p.times(v), eta)
			s, err := v.run(ctx, b)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", p.name, v.name, err)
			}
			s.Variant = v.name
			if b.scale != 1 {
				s.Scale = b.scale
			}
			if err := b.results.add(p.name, s); err != nil {
				return err
			}
			ran++
			fmt.Printf("    %s\n", p.line(s))
		}
	}
	return nil
}

// line is a run in words.
func (p part) line(s Sample) string {
	var words []string
	for _, c := range p.columns {
		if x, ok := s.value(c); ok {
			words = append(words, short(x)+" "+c)
		}
	}
	return strings.Join(words, ", ")
}

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Lists the parts", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, p := range parts() {
				mark := " "
				if p.headline {
					mark = "*"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %-16s %s (%d variants, %d times)\n", mark, p.name, p.title, len(p.variants), p.repeats)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "* is in the headline, which `run` runs without arguments")
			return nil
		},
	}
}

func runCommand() *cobra.Command {
	var b bench
	var all, fresh bool
	var only string
	cmd := &cobra.Command{
		Use: "run [PART...]", Short: "Runs parts, or what is missing of them; without arguments those of the headline",
		RunE: func(cmd *cobra.Command, names []string) error {
			chosen, err := choose(names, all)
			if err != nil {
				return err
			}
			pattern, err := regexp.Compile(only)
			if err != nil {
				return fmt.Errorf("--only: %w", err)
			}
			if err := os.MkdirAll(b.work, 0o755); err != nil {
				return err
			}
			defer b.close()
			matched := 0
			for i := range chosen {
				p := &chosen[i]
				p.variants = slices.DeleteFunc(p.variants, func(v variant) bool { return !pattern.MatchString(v.name) })
				matched += len(p.variants)
			}
			if matched == 0 {
				return fmt.Errorf("--only %q matches the name of no variant", only)
			}
			for _, p := range chosen {
				if fresh {
					if err := b.results.remove(p.name); err != nil {
						return err
					}
				}
				if err := p.run(cmd.Context(), &b); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all parts and not only those of the headline")
	cmd.Flags().BoolVar(&fresh, "fresh", false, "forget earlier runs of the parts")
	cmd.Flags().StringVar(&only, "only", "", "run only variants whose name matches this regular expression")
	cmd.Flags().StringVar(&b.profiles, "profiles", "", "directory for profiles of the processor's time of Millrace's session job")
	b.flags(cmd.Flags())
	return cmd
}
