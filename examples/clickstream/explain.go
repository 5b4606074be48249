package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/explain"
	"github.com/millrace/millrace/stream/replay"
)

// explainOptions are the flags of explain.
type explainOptions struct {
	definition  Definition
	parallelism int
	from, to    string
	json        bool
	colour      string
}

func newExplain(p *program) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain USER",
		Short: "Tell the life of one user from the log: clicks, sessions, what was late and why, what is open and why",
		Long: `Read the clicks again and print what happened to one user's: each click with its place in the log and the watermark before it, what was
decided about it, each session with its row, which clicks came too late and why, and for sessions that are still open which partition holds
event time back and what would release it.

It is the job itself, with the definition that the flags give: take those of the run you ask about. With --local-keys only the user's
partition is read, as nothing else has a say. The state is in memory, no table and no consumer group is touched, and a running job does
not notice. The sessions that are not open are the rows that run writes.

USER may not be the first word after a flag that takes a value; put -- before a user that begins with a dash.`,
		Example: `  clickstream explain user_0042
  clickstream explain user_0042 --gap 15m --json | jq '.windows[].rows'
  clickstream explain user_0042 --from 2024-03-01T00:00:00Z --to 2024-04-01T00:00:00Z`,
		Args: exactly("USER"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.explain(cmd.Context(), args[0], o) },
	}
	p.clusterFlags(cmd)
	p.readerFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", fromEarliest, "where to begin: earliest, or a time of the log such as 2024-03-01T00:00:00Z; sessions near it may lack clicks, and say so")
	f.StringVar(&o.to, "to", "", "end before the first record of that time or later, such as 2024-04-01T00:00:00Z (default the end of the topic now)")
	o.definition.timeFlags(f)
	f.BoolVar(&o.definition.LocalKeys, "local-keys", true, "the user decides the partition, by murmur2; false reads all partitions")
	f.IntVar(&o.parallelism, "parallelism", 1, "tasks behind the exchange of --local-keys=false")
	f.BoolVar(&o.json, "json", false, "print JSON: times in milliseconds since the Unix epoch")
	f.StringVar(&o.colour, "colour", "auto", "auto colours on a terminal, unless NO_COLOR is set; or always, never")
	return cmd
}

func (p *program) explain(ctx context.Context, user string, o explainOptions) (err error) {
	if err := o.definition.check(); err != nil {
		return err
	}
	options, err := part(o.from, o.to)
	if err != nil {
		return err
	}
	colour, err := o.coloured(p.out)
	if err != nil {
		return err
	}
	c, err := p.connectToClicks(ctx)
	if err != nil {
		return err
	}
	defer closing(c, &err)
	life, err := p.life(ctx, user, o, p.clicks(c, options...))
	if err != nil {
		return err
	}
	if o.json {
		return p.printJSON(life)
	}
	if len(life.Steps) == 0 {
		p.say("No click of %s is in what was read.", user)
		return nil
	}
	text := explain.Text[clickNote, Session]{Event: clickNote.String, Row: sessionText, Bound: o.definition.OutOfOrderness, Colour: colour}
	return text.Write(p.out, life)
}

// life runs the job over the log with its eyes on one user, and writes nothing.
func (p *program) life(ctx context.Context, user string, o explainOptions, clicks source.Source[*pb.ClickEvent]) (*explain.Life[clickNote, Session], error) {
	logger, err := p.logger()
	if err != nil {
		return nil, err
	}
	cfg := explain.Config[*pb.ClickEvent, clickNote, Session]{
		Key: user, KeyOf: (*pb.ClickEvent).GetUserId, Note: noteOf, RowKey: func(s Session) string { return s.UserID }, Window: "session",
	}
	if o.definition.LocalKeys {
		cfg.Partitioner = &stream.Murmur2
	}
	o.definition.Provenance = true
	r := explain.New(cfg)
	job := stream.NewJob(jobName, r.Option(), stream.Logger(logger), stream.StatusEvery(0), stream.DefaultParallelism(o.parallelism))
	analyze(job, r.Source(clicks), o.definition, Outputs{Sessions: r.Sink(), Metrics: replay.Discard[HourMetrics](true)})
	w, err := p.watch(job, watching{})
	if err != nil {
		return nil, err
	}
	if _, err := w.follow(ctx, nil); err != nil {
		return nil, (&runOptions{}).explain(err)
	}
	if ctx.Err() != nil {
		return nil, errors.New("stopped before the end was read: nothing can be told")
	}
	return r.Life("session-analytics"), nil
}

// coloured reports whether the text is to have colours.
func (o *explainOptions) coloured(out io.Writer) (bool, error) {
	switch o.colour {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		f, ok := out.(*os.File)
		return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "", nil
	}
	return false, fmt.Errorf("--colour %s: use auto, always or never", o.colour)
}

// clickNote is what is told of a click.
type clickNote struct {
	Type       string            `json:"event_type"`
	URL        string            `json:"url,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// noteOf copies what a click shares with the memory of its batch.
func noteOf(e *pb.ClickEvent) clickNote {
	n := clickNote{Type: strings.Clone(e.GetEventType()), URL: strings.Clone(e.GetUrl())}
	for k, v := range e.GetProperties() {
		if n.Properties == nil {
			n.Properties = map[string]string{}
		}
		n.Properties[strings.Clone(k)] = strings.Clone(v)
	}
	return n
}

// String is the click in a few words; the properties are in the JSON.
func (n clickNote) String() string { return strings.TrimSpace(n.Type + "  " + n.URL) }

// sessionText is a session's row in one line.
func sessionText(s Session) string {
	text := fmt.Sprintf("from %s to %s, %s: %d events, %d carts, %d checkouts", stream.FormatTime(s.Start), stream.FormatTime(s.End),
		time.Duration(s.DurationMs)*time.Millisecond, s.Events, s.AddToCarts, s.Checkouts)
	if s.Abandoned != 0 {
		text += ", abandoned"
	}
	if s.LogFrom != "" {
		text += "; " + s.LogFrom + ", id " + s.ResultID
	}
	return text
}
