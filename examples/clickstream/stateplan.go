package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state/inspect"
	"github.com/millrace/millrace/stream"
)

// planOptions are the flags of run that decide what state the job has.
type planOptions struct {
	definition Definition
	lateSink   string
	values     bool
	asJSON     bool
	changes
}

func (p *program) statePlan() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan DIR",
		Short: "Say what would become of a state if run went on from it, and change nothing",
		Long: `Compare the job that run would run, with the same flags, with a state: what is kept, migrated, new, dropped or changed, by operator, by named
state, and by field of messages. It fails if something would be lost that no flag allows, or could not be read, and touches nothing: use it before
an upgrade, on a savepoint of what is deployed.`,
		Example: `  clickstream state plan before-upgrade
  clickstream state plan before-upgrade --late-sink sqlite:late.db --values`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return p.plan(args[0], o) },
	}
	f := cmd.Flags()
	o.definition.timeFlags(f)
	f.BoolVar(&o.definition.LocalKeys, "local-keys", true, "as of run")
	o.definition.provenanceFlag(f)
	f.StringVar(&o.lateSink, "late-sink", "", "as of run; where it is makes no difference")
	f.BoolVar(&o.values, "values", false, "read every value too, as the job would")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	o.changes.flags(f)
	return cmd
}

func (p *program) plan(dir string, o planOptions) (err error) {
	if err := o.definition.check(); err != nil {
		return err
	}
	d, err := inspect.Open(dir)
	if err != nil {
		return err
	}
	defer closing(d, &err)
	job := o.job()
	plan, err := job.PlanState(d)
	if err != nil {
		return err
	}
	if o.asJSON {
		if err := indented(p.out, plan); err != nil {
			return err
		}
	} else if _, err := p.out.Write([]byte(plan.String())); err != nil {
		return err
	}
	if err := plan.Err(); err != nil {
		return errors.New("run would refuse this state and leave it as it is" + stateRemedy(err))
	}
	if !o.values {
		return nil
	}
	keys, err := job.CheckState(d)
	if err == nil {
		p.say("The values of %d keys can be read.", keys)
	}
	return err
}

// job is run's, as far as state goes: it reads and writes nothing.
func (o planOptions) job() *stream.Job {
	job := stream.NewJob(jobName, append(o.changes.options(), stream.Logger(slog.New(slog.DiscardHandler)))...)
	to := Outputs{Sessions: &sinkmemory.List[Session]{}, Metrics: &sinkmemory.List[HourMetrics]{}}
	if o.lateSink != "" {
		to.Late = &sinkmemory.List[LateClick]{}
	}
	analyze(job, memory.Of[*pb.ClickEvent]().WithCodec(clickCodec), o.definition, to)
	return job
}
