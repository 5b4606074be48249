package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/millrace/millrace/stream"
)

// savepoints are the flags of run about the state that it begins with and leaves.
type savepoints struct {
	from  string
	to    string
	drain bool
	changes
}

func (s *savepoints) flags(f *pflag.FlagSet) {
	f.StringVar(&s.from, "from-savepoint", "", "directory of a savepoint that a group without state begins with; the plan is checked first, see state plan")
	f.StringVar(&s.to, "savepoint", "", "directory, not there yet, to write a savepoint to when the run has stopped in order: by Ctrl-C, or at the end")
	f.BoolVar(&s.drain, "drain", false, "on Ctrl-C close all sessions where they are, as at the end of the topic: the group is then finished")
	s.changes.flags(f)
}

// options are those of the job.
func (s *savepoints) options() (options []stream.JobOption) {
	if s.from != "" {
		options = append(options, stream.FromSavepoint(s.from))
	}
	if s.to != "" {
		options = append(options, stream.SavepointAtEnd(s.to))
	}
	if s.drain {
		options = append(options, stream.DrainAtStop())
	}
	return append(options, s.changes.options()...)
}

// changes are what a changed job may do to the state that it goes on from.
type changes struct{ drop, fresh []string }

func (c *changes) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&c.drop, "drop-state", nil, "OPERATOR whose state may be lost because the job no longer has it or has it otherwise, or OPERATOR/STATE for one state of it; several times for several")
	f.StringArrayVar(&c.fresh, "new-state", nil, "OPERATOR that may begin empty although clicks were read before; several times for several")
}

func (c *changes) options() (options []stream.JobOption) {
	for _, d := range c.drop {
		if uid, cell, ok := strings.Cut(d, "/"); ok {
			options = append(options, stream.DropState(uid, cell))
		} else {
			options = append(options, stream.DropState(uid))
		}
	}
	for _, uid := range c.fresh {
		options = append(options, stream.NewState(uid))
	}
	return options
}

// stateRemedy says which flags stand for the options that the engine's refusal names.
func stateRemedy(err error) string {
	if !strings.Contains(err.Error(), "stream.DropState") && !strings.Contains(err.Error(), "stream.NewState") {
		return ""
	}
	return fmt.Sprintf("\nThe flags of stream.DropState and stream.NewState are --drop-state and --new-state. What would become of the state shows:\n  %s state plan DIR", self())
}
