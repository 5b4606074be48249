package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/millrace/millrace/source/kafka/topic"
)

func newTopicCheck(p *program) *cobra.Command {
	var (
		d      declaration
		cut    bool
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what would lose clicks that a replay needs",
		Long: `Compare the topic with what the flags declare, by the settings that hold: where the topic has none of its own, the brokers'.
For each difference it says what would be lost and what mends it:
  loses   clicks are gone, or will be
  breaks  a job or a producer would fail, or give wrong results
  note    worth knowing
The exit code is 1 if something loses or breaks, and 0 otherwise.`,
		Example: `  clickstream topic check --brokers kafka:9092 --replication 3
  clickstream topic check --brokers kafka:9092 --retention 7y --tiered --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.checkTopic(cmd.Context(), d, cut, asJSON) },
	}
	p.clusterFlags(cmd)
	d.flags(cmd.Flags(), 0)
	cmd.Flags().Lookup("partitions").Usage = "number of partitions; 0 is any"
	cmd.Flags().BoolVar(&cut, allowCutFlag, false, "accept that clicks are gone already")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	return cmd
}

func (p *program) checkTopic(ctx context.Context, d declaration, cut, asJSON bool) (err error) {
	c, err := p.connect()
	if err != nil {
		return err
	}
	defer closing(c, &err)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	spec, err := d.spec(c, p.topic)
	if err != nil {
		return err
	}
	spec.CutAccepted = cut
	report, err := topic.Check(ctx, c.brokers, spec)
	if err != nil {
		return err
	}
	if asJSON {
		err = p.printJSON(report)
	} else {
		err = writeReport(p.out, report)
	}
	if err == nil && !report.Keeps() {
		err = fmt.Errorf("topic %s does not keep its history as declared: %s", report.Topic, tally(report))
	}
	return err
}

// tally counts the findings that matter: "2 findings lose records, 1 finding breaks jobs or producers".
func tally(r topic.Report) string {
	var loses, breaks int
	for _, f := range r.Findings {
		switch f.Severity {
		case topic.Loses:
			loses++
		case topic.Breaks:
			breaks++
		}
	}
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{loses, "finding loses records", "findings lose records"}, {breaks, "finding breaks jobs or producers", "findings break jobs or producers"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.one)
		case c.n > 1:
			parts = append(parts, fmt.Sprint(c.n, " ", c.many))
		}
	}
	return strings.Join(parts, ", ")
}

// writeReport prints what is as declared and what is not, where records are, and what to do.
func writeReport(out io.Writer, r topic.Report) error {
	severity := map[string]topic.Severity{}
	for _, f := range r.Findings {
		severity[f.Name] = f.Severity
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Topic %s on %s\n\n", r.Topic, r.Cluster)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tsetting\tis\tdeclared\tfrom")
	for _, c := range r.Compared {
		mark := "ok"
		if s, found := severity[c.Name]; found {
			mark = s.String()
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", mark, c.Name, c.Actual, c.Wanted, c.Origin)
	}
	_ = t.Flush() // into memory
	b.WriteByte('\n')
	writePartitions(&b, r)
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n%s: %s is %s", f.Severity, f.Name, f.Actual)
		if f.Wanted != "" {
			fmt.Fprintf(&b, ", declared is %s", f.Wanted)
		}
		fmt.Fprintf(&b, "\n  %s.\n  Mend: %s\n", f.Problem, f.Mend)
	}
	if r.Keeps() {
		b.WriteString("\nThe topic keeps its history as declared.\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writePartitions(b *strings.Builder, r topic.Report) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "partition\tfirst offset\tend offset\trecords\t"
	if r.Tiered {
		head += "on the broker's disk from\t"
	}
	fmt.Fprintln(t, head)
	for _, p := range r.Partitions {
		fmt.Fprintf(t, "%d\t%d\t%d\t%s\t", p.Partition, p.Earliest, p.End, humanize.Comma(p.End-p.Earliest))
		if r.Tiered && p.Local >= 0 {
			fmt.Fprintf(t, "%d\t", p.Local)
		} else if r.Tiered {
			fmt.Fprint(t, "not told\t")
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // into memory
}

// warnOfLoss says in a line if the topic would lose clicks that it was declared to keep. What cannot be found out is not said: other requests will tell.
func (p *program) warnOfLoss(ctx context.Context, c *kafkaCluster, spec topic.Spec) {
	report, err := topic.Check(ctx, c.brokers, spec)
	if err != nil {
		return
	}
	var what []string
	for _, f := range report.Findings {
		if f.Severity == topic.Loses {
			what = append(what, f.Name+" is "+f.Actual)
		}
	}
	if len(what) > 0 {
		p.say("Topic %s loses history (%s): a replay will not see all clicks. What to do, %s topic check says.", p.topic, strings.Join(what, ", "), self())
	}
}
