package stream

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/sink"
)

// transactional is the sink that makes the transactions of each kind of commit unit: by source operator, or of the whole job where its tasks exchange. It is the one whose
// name is the first, so that the order in which a job is built does not matter.
func (j *Job) transactional() (map[string]sink.Transactional, error) {
	first := map[string]*node{}
	var errs []error
	for _, n := range j.nodes {
		if n.exact == nil {
			continue
		}
		for _, unit := range j.unitsOf(n) {
			other := first[unit]
			if other != nil && other.exact.System() != n.exact.System() {
				errs = append(errs, fmt.Errorf("sinks %q and %q are exactly once, but in two systems, %s and %s: their rows have the same checkpoints, and a transaction spans one system; "+
					"make one of them at least once, or split the job", other.uid, n.uid, other.exact.System(), n.exact.System()))
				continue
			}
			if other == nil || n.uid < other.uid {
				first[unit] = n
			}
		}
	}
	sinks := make(map[string]sink.Transactional, len(first))
	for unit, n := range first {
		sinks[unit] = n.exact
	}
	return sinks, errors.Join(errs...)
}

// unitsOf says which of the job's kinds of commit unit a node belongs to.
func (j *Job) unitsOf(n *node) []string {
	if j.exchanges() > 0 {
		return []string{runtime.SharedUnit}
	}
	sources := map[string]bool{}
	n.sourcesInto(sources)
	return slices.Sorted(maps.Keys(sources))
}

func (n *node) sourcesInto(sources map[string]bool) {
	if len(n.inputs) == 0 {
		sources[n.uid] = true
	}
	for _, in := range n.inputs {
		in.from.self().sourcesInto(sources)
	}
}

// checkTransactions is what exactly-once sinks need of the job.
func (j *Job) checkTransactions() []error {
	sinks, err := j.transactional()
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	if len(sinks) > 0 && j.cfg.stateDir == "" {
		errs = append(errs, errors.New("a sink is exactly once, which takes checkpoints that outlive the process: set StateDir"))
	}
	return errs
}

// forExactlyOnce says why an exactly-once job needs checkpoints; nothing for other jobs.
func (j *Job) forExactlyOnce() string {
	for _, n := range j.nodes {
		if n.exact != nil {
			return fmt.Sprintf("; sink %q is exactly once, and shows its rows with the checkpoints", n.uid)
		}
	}
	return ""
}
