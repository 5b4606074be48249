package stream

// Operator is one operator of a job's graph, as Plan prints it.
type Operator struct {
	Name   string // unique in the job; counters carry it
	Kind   string // "source", "map", "window", ...
	Detail string // what it does, "" where there is nothing to say
	Stage  string // the operator at the head of its tasks
	Tasks  int    // of its stage; 0 for one per split
	Inputs []Edge
}

// Edge is how an operator gets its records.
type Edge struct {
	From string
	Ship string // "forward" within a task; else through an exchange: "hash", "rebalance", "single"
}

// Name is the name given to NewJob.
func (j *Job) Name() string { return j.name }

// Graph lists the job's operators in the order in which they were made. It is the same for the same code.
func (j *Job) Graph() ([]Operator, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	var out []Operator
	for _, n := range j.nodes {
		head := n.head()
		o := Operator{Name: n.uid, Kind: n.kind, Detail: n.detail, Stage: head.uid, Tasks: head.parallelism}
		for _, in := range n.inputs {
			o.Inputs = append(o.Inputs, Edge{From: in.from.self().uid, Ship: string(in.ship)})
		}
		out = append(out, o)
	}
	return out, nil
}

// head is the node that the tasks of n begin with.
func (n *node) head() *node {
	for _, in := range n.inputs {
		if in.ship == forward {
			return in.from.self().head()
		}
	}
	return n
}
