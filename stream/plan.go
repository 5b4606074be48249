package stream

import (
	"fmt"
	"strings"
)

// Plan is the job's graph as text: the same for the same code. Operators on consecutive lines without a blank between them are fused in one task.
func (j *Job) Plan() (string, error) {
	if err := j.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "job %q, state in %s\n", j.name, j.cfg.backend)
	for _, n := range j.nodes {
		if n.heads() {
			b.WriteByte('\n')
			j.planStage(&b, n)
		}
	}
	return b.String(), nil
}

// heads reports whether a stage begins with the node.
func (n *node) heads() bool {
	for _, in := range n.inputs {
		if in.ship == forward {
			return false
		}
	}
	return true
}

func (j *Job) planStage(b *strings.Builder, n *node) {
	tasks := "one task per split"
	if n.parallelism > 0 {
		tasks = fmt.Sprintf("%d task", n.parallelism)
		if n.parallelism > 1 {
			tasks += "s"
		}
	}
	for _, in := range n.inputs {
		fmt.Fprintf(b, "<- %s from %q\n", in.ship, in.from.self().uid)
	}
	fmt.Fprintf(b, "stage %q, %s\n", n.uid, tasks)
	j.planOperator(b, n, 1)
}

func (j *Job) planOperator(b *strings.Builder, n *node, depth int) {
	fmt.Fprintf(b, "%s%s %q", strings.Repeat("  ", depth), n.kind, n.uid)
	if n.detail != "" {
		fmt.Fprintf(b, ": %s", n.detail)
	}
	if n.local {
		b.WriteString(" (partition-local)")
	}
	b.WriteByte('\n')
	for _, next := range j.nodes {
		for _, in := range next.inputs {
			if in.from.self() == n && in.ship == forward {
				j.planOperator(b, next, depth+1)
			}
		}
	}
}
