package stream

import (
	"fmt"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/state"
)

// node is an operator of the job's graph: what the plan prints and the state is keyed by. What it does is in closures that the typed functions made.
type node struct {
	id          int
	kind        string // "source", "map", "window", ...
	uid         string
	detail      string
	shape       string // what its state depends on; empty without state
	parallelism int    // of the stage it heads; 0 follows the splits
	inputs      []input
	retracts    bool  // its outputs may take back earlier ones
	lateness    int64 // the allowed lateness that its outputs may have, in milliseconds
	local       bool  // keyed in place
	keeps       bool  // it has windows or keyed state
	key         any   // of a keyed operator: its keys to bytes, a func(K) ([]byte, error)
	keyCodec    string
	drops       bool                         // it was told to drop the retractions it reads
	exact       sink.Transactional           // a sink that is exactly once by transactions; else nil
	alias       *node                        // the operator that a WindowedStream became
	declare     func() (*keyed.Store, error) // a store with the cells of its state; nil without
	sides       []func(*runtime.Task) flow.Control
}

type input struct {
	from *node
	ship ship
}

// self is the node that stands for n: that of late records is known only when their windows are used.
func (n *node) self() *node {
	if n.alias != nil {
		return n.alias
	}
	return n
}

// ship is how records get from one operator to the next.
type ship string

const (
	forward    ship = "forward"
	hash       ship = "hash"
	roundRobin ship = "rebalance"
	single     ship = "single"
)

// output is a stream's typed end while the graph is built: who reads it. Building a task calls the readers from the source down.
type output[T any] struct {
	job     *Job
	node    *node
	codec   state.Codec[T]
	readers []func(*runtime.Task) (flow.Pusher[T], flow.Control)
	reused  *node // the source whose records these are, if it reads them into one value
}

// onward is the output of a node that passes these records on as they are.
func (o *output[T]) onward(n *node) *output[T] {
	return &output[T]{job: o.job, node: n, codec: o.codec, reused: o.reused}
}

// keptBy refuses what keeps records that are read into one value.
func (o *output[T]) keptBy(n *node, how string) {
	if o.reused != nil {
		o.job.fail(n, fmt.Errorf("the records of source %q are read into one value (codec.Reused), and %s would find them changed: map them to a type of your own before, or leave Reused out", o.reused.uid, how))
	}
}

func newOutput[T any](j *Job, n *node, codec state.Codec[T]) *output[T] {
	return &output[T]{job: j, node: n, codec: codec}
}

// read adds a reader fused into the same task.
func (o *output[T]) read(n *node, build func(*runtime.Task) (flow.Pusher[T], flow.Control)) {
	n.inputs = append(n.inputs, input{o.node, forward})
	o.readers = append(o.readers, dropping(n, build))
}

// build makes the readers in a task.
func (o *output[T]) build(t *runtime.Task) (flow.Pusher[T], flow.Control) {
	var ps []flow.Pusher[T]
	var cs []flow.Control
	for _, r := range o.readers {
		p, c := r(t)
		ps = append(ps, p)
		cs = append(cs, c)
	}
	return ledger.Tee(t.Book(), ps), flow.Join(cs...)
}

// add makes a node. A stateless operator without a name gets one from its kind and place.
func (j *Job) add(kind, name string, from ...*node) *node {
	n := &node{id: len(j.nodes), kind: kind, uid: name}
	if name == "" {
		n.uid = fmt.Sprintf("%s-%d", kind, n.id)
	}
	for _, f := range from {
		n.retracts = n.retracts || f.retracts
		n.lateness = max(n.lateness, f.lateness)
	}
	if other := j.uids[n.uid]; other != nil {
		j.fail(n, fmt.Errorf("the name is taken by the %s before it: state and counters are kept by name, give another one", other.kind))
	}
	j.uids[n.uid] = n
	j.nodes = append(j.nodes, n)
	return n
}

// operator makes a node with the options that all operators have.
func (j *Job) operator(kind, name string, c opConfig, from *node) *node {
	n := j.add(kind, name, from)
	n.drops = n.retracts && c.dropRetractions
	n.retracts = n.retracts && !n.drops
	return n
}

// fail notes a build error; Run and Plan return them all.
func (j *Job) fail(n *node, err error) {
	if n != nil {
		err = fmt.Errorf("%s %q: %w", n.kind, n.uid, err)
	}
	j.problems = append(j.problems, err)
}

// exchanged reports whether an exchange lies between the node and its source.
func (n *node) exchanged() bool {
	for _, in := range n.inputs {
		if in.ship != forward || in.from.self().exchanged() {
			return true
		}
	}
	return false
}

// spread reports whether an exchange deals records out in turn between the node and its source, so that those of one split overtake each other.
func (n *node) spread() bool {
	for _, in := range n.inputs {
		if in.ship == roundRobin && n.parallelism > 1 || in.from.self().spread() {
			return true
		}
	}
	return false
}

// feedsState reports whether an operator with windows or state reads what n emits.
func (j *Job) feedsState(n *node) bool {
	for _, reader := range j.nodes {
		for _, in := range reader.inputs {
			if in.from.self() == n && (reader.keeps || j.feedsState(reader)) {
				return true
			}
		}
	}
	return false
}

// sources adds the sources that the node reads to found.
func (n *node) sources(found map[*node]bool) map[*node]bool {
	if n.kind == "source" {
		found[n] = true
	}
	for _, in := range n.inputs {
		in.from.self().sources(found)
	}
	return found
}
