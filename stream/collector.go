package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/runtime"
)

// Collector takes a function's results. It is valid during the call it was given to.
type Collector[O any] struct {
	next flow.Pusher[O]
	meta *flow.Meta
	task *runtime.Task
	uid  string
	err  error
	n    int64 // results of this call
}

// Emit sends v on. A failure further down ends the task when the function returns.
func (c *Collector[O]) Emit(v O) {
	if c.err != nil {
		return
	}
	c.n++
	if c.err = c.next.Push(c.meta, v); c.err == nil { // a failure further down keeps its name
		c.task.At = c.uid
	}
}

func (c *Collector[O]) begin(m *flow.Meta) {
	c.meta = m
	c.n = 0
	c.task.At = c.uid
}

// end is what a call came to: a failure further down, which has its own name, or the function's own.
func (c *Collector[O]) end(err error) error {
	if c.err != nil {
		return c.err
	}
	return err
}
